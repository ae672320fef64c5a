package planning

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Space is one scenario as an explorer sees it: the definitions of its sagas and
// what their orchestrator can be given.
type Space struct {
	Name        string
	Definitions []saga.Definition
	Ability     Ability
}

// Explorer enumerates the plans of its spaces, level by level: level 0 is the
// fault-free run of each space, level n+1 adds one fault to the plans of level n,
// at every point that their runs passed after their faults, with every kind that
// can strike there. It runs nothing: the caller runs the probes of a level, hands
// their traces to Learn, and asks for the next level. The same traces give the
// same probes in the same order.
//
// A window is a plan of its own: it is neither extended nor added to another plan,
// since what it meets depends on time.
type Explorer struct {
	depth  int
	audit  bool
	level  int // of the next probes
	spaces []*exploredSpace
}

// exploredSpace is what is known of one space.
type exploredSpace struct {
	Space
	rep      map[int]int         // saga → its representative
	ways     []map[string]string // to exchange symmetric steps
	ran      []*Probe            // of the level before, in the order of their making
	outcomes map[string]bool     // outcomes of plans that were extended
	plans    map[string]bool     // made already, by ID
	lookers  map[string]bool     // keys of the rules SymmetricSteps and SameLook
	placed   map[pair]bool       // a kind was placed at a point
	counts   SpaceCount
	reached  map[pair]bool
	hit      map[pair]bool
	unfired  map[pair]bool // passed, but the fault did not fire
	unpassed map[pair]bool // not passed by a run that was to strike there
}

// pair is a kind of fault at a place: a failure point of a saga, or a window.
type pair struct {
	kind  string
	phase string
	place string
}

// Probe is a plan that an explorer wants to be run.
type Probe struct {
	Space string
	Plan  faults.Plan
	Level int // number of faults
	// Pruned is the rule that leaves the plan out; empty: it is to be run. Only an
	// audit hands out pruned probes.
	Pruned string

	added   string // the kind of the fault that was added last; empty: fault-free
	fresh   bool   // the first plan that places this kind at this point
	trace   Trace
	learnt  bool
	merged  bool // another run of this outcome is extended
	windows bool
}

// SpaceCount counts the plans of one space: raw, of which so many were pruned by
// each rule.
type SpaceCount struct {
	Raw    int
	Pruned map[string]int
}

// NewExplorer begins at the fault-free runs. depth is how many faults a plan may
// have. An audit hands out the pruned plans too, marked with their rule; which
// ones they are does not depend on it.
func NewExplorer(spaces []Space, depth int, audit bool) *Explorer {
	x := &Explorer{depth: depth, audit: audit}
	for _, s := range spaces {
		x.spaces = append(x.spaces, &exploredSpace{
			Space: s, rep: representatives(s.Definitions), ways: symmetries(s.Definitions[0]),
			outcomes: map[string]bool{}, plans: map[string]bool{}, lookers: map[string]bool{}, placed: map[pair]bool{},
			reached: map[pair]bool{}, hit: map[pair]bool{}, unfired: map[pair]bool{}, unpassed: map[pair]bool{}, counts: SpaceCount{Pruned: map[string]int{}},
		})
	}
	return x
}

// Learn takes what the run of a probe showed. It may be told of a probe again: the
// last time counts for what follows, every time for what was hit.
func (x *Explorer) Learn(p *Probe, t Trace) {
	s := x.space(p.Space)
	p.learnt = true
	if !p.Final(x.depth) { // a trace is only needed to go on from
		p.trace = t
	}
	for i, fired := range t.Fired {
		f := p.Plan.Faults[i]
		passed := slices.ContainsFunc(t.Visits, func(v Visit) bool { return v.At == f.At && v.Saga == f.Saga })
		switch {
		case fired:
			s.hit[pairOf(f)] = true
		case passed || f.At.IsZero():
			s.unfired[pairOf(f)] = true
		default:
			s.unpassed[pairOf(f)] = true
		}
	}
}

func (x *Explorer) space(name string) *exploredSpace {
	i := slices.IndexFunc(x.spaces, func(s *exploredSpace) bool { return s.Name == name })
	return x.spaces[i]
}

// Next makes the probes of the next level, in a fair order: the scenarios take
// turns, and within each the kinds of faults. It is empty when the depth is
// reached or nothing was learnt.
func (x *Explorer) Next() []*Probe {
	if x.level > x.depth {
		return nil
	}
	var all []*Probe
	for _, s := range x.spaces {
		all = append(all, s.next(x.level, x.audit)...)
	}
	x.level++
	return Fair(all)
}

func (s *exploredSpace) next(level int, audit bool) []*Probe {
	if level == 0 {
		p := &Probe{Space: s.Name}
		s.counts.Raw++
		s.ran = []*Probe{p}
		return s.ran
	}
	s.judgeOutcomes(audit)
	var made []*Probe
	for _, parent := range s.ran {
		made = append(made, s.extend(parent, audit)...)
		parent.trace = Trace{} // there can be many
	}
	if level == 1 {
		for _, f := range windowVariants(s.Definitions[0], s.Ability) {
			p := &Probe{Space: s.Name, Level: 1, Plan: faults.Plan{Faults: []faults.Fault{f}}, added: f.Kind, windows: true}
			s.counts.Raw++
			s.reached[pairOf(f)] = true
			made = append(made, p)
		}
	}
	s.ran = made
	if !audit {
		s.ran = slices.DeleteFunc(slices.Clone(made), func(p *Probe) bool { return p.Pruned != "" })
	}
	return slices.Clone(s.ran)
}

// judgeOutcomes decides which plans of the level before are extended: the first of
// each outcome. In an audit those that were not pruned come first, so that the
// choice is the same as without.
func (s *exploredSpace) judgeOutcomes(audit bool) {
	if audit {
		pruned := func(p *Probe) bool { return p.Pruned != "" }
		s.ran = slices.Concat(
			slices.DeleteFunc(slices.Clone(s.ran), pruned),
			slices.DeleteFunc(slices.Clone(s.ran), func(p *Probe) bool { return !pruned(p) }),
		)
	}
	for _, p := range s.ran {
		if !p.learnt || p.windows {
			continue
		}
		p.merged = s.outcomes[p.trace.Outcome]
		if p.Pruned == "" {
			s.outcomes[p.trace.Outcome] = true
		}
	}
}

// extend makes the plans that add one fault to a plan that has run.
func (s *exploredSpace) extend(parent *Probe, audit bool) []*Probe {
	if !parent.learnt || parent.windows {
		return nil
	}
	var made []*Probe
	for _, v := range parent.trace.Visits {
		n := max(v.Saga, 1)
		if s.rep[n] == n {
			s.reach(v)
		}
		if !s.follows(parent, v) {
			continue
		}
		for _, f := range parent.trace.variantsAt(v, s.Definitions[n-1], s.Ability) {
			if (faults.Plan{Faults: append(slices.Clone(parent.Plan.Faults), f)}).Bodiless() {
				continue
			}
			s.counts.Raw++
			if s.rep[n] != n && !audit {
				s.counts.Pruned[SymmetricSagas.Name]++
				continue
			}
			if p := s.add(parent, f); p != nil && (p.Pruned == "" || audit) {
				made = append(made, p)
			}
		}
	}
	return made
}

// reach notes that a point can be reached, for every kind that can strike there.
func (s *exploredSpace) reach(v Visit) {
	for _, k := range placeable(v, s.Ability) {
		s.reached[pairOf(faults.Fault{Kind: k.Name, Saga: v.Saga, At: v.At})] = true
	}
}

// follows tells whether a fault at the visited point may be added to a plan: the
// point comes after the plan's faults, or side by side with one of them. (A point
// that always comes before them belongs to the extension of another plan.)
func (s *exploredSpace) follows(parent *Probe, v Visit) bool {
	if v.Seq > parent.trace.Last {
		return !slices.ContainsFunc(parent.Plan.Faults, func(f faults.Fault) bool { return f.At == v.At && f.Saga == v.Saga })
	}
	return !slices.ContainsFunc(parent.Plan.Faults, func(f faults.Fault) bool {
		return max(f.Saga, 1) == max(v.Saga, 1) && !concurrent(s.Definitions[max(v.Saga, 1)-1], f.At, v.At)
	})
}

// concurrent tells whether two points lie on steps of which neither waits for the
// other.
func concurrent(d saga.Definition, a, b saga.FailurePoint) bool {
	if a.Step == b.Step || saga.Inbound(a.Step) || saga.Inbound(b.Step) || a.Direction != b.Direction {
		return false
	}
	return !waits(d, a.Step, b.Step) && !waits(d, b.Step, a.Step)
}

// waits tells whether the step starts only after the other.
func waits(d saga.Definition, step, other string) bool {
	return slices.ContainsFunc(d.Predecessors(d.StepIndex(step)), func(p string) bool {
		return p == other || waits(d, p, other)
	})
}

// add makes a probe and applies the rules; nil: the very same plan is there.
func (s *exploredSpace) add(parent *Probe, f faults.Fault) *Probe {
	plan := canonical(faults.Plan{Faults: append(slices.Clone(parent.Plan.Faults), f)})
	p := &Probe{Space: s.Name, Plan: plan, Level: parent.Level + 1, added: f.Kind}
	if s.plans[plan.ID()] {
		s.counts.Pruned[SameSet.Name]++
		return nil
	}
	s.plans[plan.ID()] = true
	p.Pruned = s.rule(parent, p, f)
	if p.Pruned != "" {
		s.counts.Pruned[p.Pruned]++
	}
	return p
}

// rule finds the rule by which a probe is left out.
func (s *exploredSpace) rule(parent, p *Probe, f faults.Fault) string {
	d := s.Definitions[0]
	if n := max(f.Saga, 1); s.rep[n] != n {
		return SymmetricSagas.Name
	}
	if parent.Pruned != "" {
		return parent.Pruned
	}
	p.fresh = !s.placed[pairOf(f)]
	if p.Level == 1 {
		s.placed[pairOf(f)] = true
		return ""
	}
	stand := underSymmetry(p.Plan, s.ways)
	steps, looks := "steps "+stand.ID(), "look "+lookOf(stand, d)
	switch {
	case p.fresh:
	case parent.merged:
		return SameOutcome.Name
	case s.lookers[steps]:
		return SymmetricSteps.Name
	case s.lookers[looks]:
		return SameLook.Name
	}
	s.placed[pairOf(f)] = true
	s.lookers[steps], s.lookers[looks] = true, true
	return ""
}

// Fair orders probes so that a budget cuts all alike: scenarios take turns, and
// within each the kinds of the added faults. Within a kind, points that no plan
// before has struck come first, then the plan's hash decides.
func Fair(probes []*Probe) []*Probe {
	type group struct{ space, kind string }
	rank := map[*Probe][2]int{}
	inGroup, inSpace := map[group][]*Probe{}, map[string][]*Probe{}
	var spaces []string
	for _, p := range probes {
		if inSpace[p.Space] == nil {
			spaces = append(spaces, p.Space)
		}
		inSpace[p.Space] = append(inSpace[p.Space], p)
		g := group{p.Space, p.added}
		inGroup[g] = append(inGroup[g], p)
	}
	turn := map[*Probe]int{}
	for _, ps := range inGroup {
		slices.SortStableFunc(ps, func(a, b *Probe) int {
			if a.fresh != b.fresh {
				return map[bool]int{true: -1, false: 1}[a.fresh]
			}
			return cmp.Compare(hash(a), hash(b))
		})
		for i, p := range ps {
			turn[p] = i
		}
	}
	for n, space := range spaces {
		ps := slices.Clone(inSpace[space])
		slices.SortStableFunc(ps, func(a, b *Probe) int {
			return cmp.Or(cmp.Compare(turn[a], turn[b]), cmp.Compare(a.added, b.added))
		})
		for i, p := range ps {
			rank[p] = [2]int{i, n}
		}
	}
	out := slices.Clone(probes)
	slices.SortStableFunc(out, func(a, b *Probe) int {
		return cmp.Or(cmp.Compare(rank[a][0], rank[b][0]), cmp.Compare(rank[a][1], rank[b][1]))
	})
	return out
}

// hash is a number that depends on the space and the plan alone.
func hash(p *Probe) uint64 {
	sum := sha256.Sum256([]byte(p.Space + " " + p.Plan.ID()))
	return binary.BigEndian.Uint64(sum[:8])
}

// Shard is the part, from 1 to n, that a probe belongs to: the same wherever it
// is made.
func (p *Probe) Shard(n int) int { return int(hash(p)%uint64(n)) + 1 }

// Final tells that a probe is not extended, whatever its run shows.
func (p *Probe) Final(depth int) bool { return p.windows || p.Level >= depth }
