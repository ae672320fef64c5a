package planning

import (
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
	// Plans are made for it. Those of several faults that tell something which no other does are run
	// first, as they are; nothing is added to them.
	Plans []faults.Plan
}

// Explorer enumerates the plans of its spaces, level by level: level 0 is the
// fault-free run of each space, level n+1 adds one fault to the plans of level n,
// at every point that their runs passed after their faults, with every kind that
// can strike there. Journeys are plans of level 1, and so is what adds a fault to one.
// Plans that are made for a space, and tell something, are run before and between those of level 1.
// It runs nothing: the caller runs the probes of a level, hands their traces to Learn,
// and asks for the next level. The same traces give the same probes in the same order.
//
// A window is a plan of its own: it is neither extended nor added to another plan,
// since what it meets depends on time.
type Explorer struct {
	depth  int
	phase  int             // of the last probes
	seen   map[uint64]bool // traits of what was handed out
	spaces []*exploredSpace
}

// exploredSpace is what is known of one space.
type exploredSpace struct {
	Space
	rep      map[int]int         // saga → its representative
	swaps    []map[string]string // to exchange symmetric steps
	like     *likeness
	ways     []*Probe        // its journeys
	began    *Probe          // the fault-free run
	ran      []*Probe        // of the level before, in the order of their making
	outcomes map[string]bool // outcomes of plans that were extended
	plans    map[string]bool // made already, by ID
	lookers  map[string]bool // keys of the rules SymmetricSteps and SameLook
	placed   map[pair]bool   // a kind was placed at a point
	turned   map[string]bool // what was added to a journey
	later    []*Probe        // what SameTurn leaves to level 2
	depth    int
	audit    bool
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
	Level int // number of faults; of journeys 1
	// Pruned is the rule that leaves the plan out; empty: it is to be run. Only an
	// audit hands out pruned probes.
	Pruned string

	fault   faults.Fault // that was added last; of no kind: fault-free
	kind    saga.Kind    // of the step that it strikes
	after   string       // the kinds of the faults before it
	like    *likeness
	fresh   bool // the first plan that places this kind at this point
	trace   Trace
	learnt  bool
	merged  bool // another run of this outcome is extended
	special bool // it is made for the space
	whole   bool // nothing is added to it: a window, or a special plan
	journey bool // it is one
	behind  bool // its last fault strikes behind all those of the plan that it was added to
	first   bool // a journey of which each shows something new
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
	x := &Explorer{depth: depth, seen: map[uint64]bool{}}
	for _, s := range spaces {
		x.spaces = append(x.spaces, &exploredSpace{
			Space: s, rep: representatives(s.Definitions), swaps: symmetries(s.Definitions[0]), like: newLikeness(s.Definitions),
			outcomes: map[string]bool{}, plans: map[string]bool{}, lookers: map[string]bool{}, placed: map[pair]bool{}, turned: map[string]bool{}, depth: depth, audit: audit,
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

// Next makes the next probes, in a fair order: the fault-free runs; level 1 from them, with the journeys of
// which each shows something new; level 1 from those journeys, and the other ones; level 1 from these; and
// the levels after it. It is empty when the depth is reached or nothing was learnt.
func (x *Explorer) Next() []*Probe {
	for x.phase++; x.phase <= x.depth+phases; x.phase++ {
		if probes := x.next(); len(probes) > 0 {
			return probes
		}
	}
	return nil
}

// phases are those that are no levels.
const phases = 3

func (x *Explorer) next() (all []*Probe) {
	for _, s := range x.spaces {
		switch {
		case x.phase == 1:
			all = append(all, s.begin())
		case x.depth == 0 || !s.began.learnt:
		case x.phase == 2:
			all = append(all, s.begun()...)
		case x.phase == 3:
			all = append(all, s.level1()...)
		case x.phase == 4:
			all = append(all, s.turns()...)
		default:
			all = append(all, s.further(x.phase == 5)...)
		}
	}
	if x.phase == 1 {
		return slices.Concat(all[:1], x.openers(), all[1:])
	}
	return x.telling(all)
}

// begin is the fault-free run.
func (s *exploredSpace) begin() *Probe {
	s.counts.Raw++
	s.began = &Probe{Space: s.Name, like: s.like}
	return s.began
}

// begun is all that follows from the fault-free run: journeys, windows, plans that are made for the space, and
// one fault added to that run.
func (s *exploredSpace) begun() []*Probe {
	ways, windows := s.journeys(), s.overTime()
	special := s.special()
	s.ran = append(s.extendAll([]*Probe{s.began}), windows...)
	return slices.Concat(ways, special, s.ran)
}

// level1 adds one fault to the first journeys. Then come the others.
func (s *exploredSpace) level1() []*Probe {
	var first, rest []*Probe
	for _, p := range s.ways {
		if p.first {
			first = append(first, p)
		} else {
			rest = append(rest, p)
		}
	}
	s.ways = rest
	made := s.extendAll(first)
	s.ran = append(s.ran, made...)
	return slices.Concat(made, rest)
}

// further adds one more fault to the plans of the level before.
func (s *exploredSpace) further(second bool) []*Probe {
	made := s.extendAll(s.ran)
	if second {
		made = append(made, s.postponed()...)
	}
	s.ran = made
	return slices.Clone(made)
}

// extendAll makes what comes after plans that have run.
func (s *exploredSpace) extendAll(parents []*Probe) (made []*Probe) {
	for _, parent := range s.judgeOutcomes(parents) {
		made = append(made, s.extend(parent)...)
		parent.trace = Trace{} // there can be many
	}
	return made
}

// judgeOutcomes decides which plans of the level before are extended: the first of
// each outcome. In an audit those that were not pruned come first, so that the
// choice is the same as without.
func (s *exploredSpace) judgeOutcomes(ran []*Probe) []*Probe {
	if s.audit {
		pruned := func(p *Probe) bool { return p.Pruned != "" }
		ran = slices.Concat(
			slices.DeleteFunc(slices.Clone(ran), pruned),
			slices.DeleteFunc(slices.Clone(ran), func(p *Probe) bool { return !pruned(p) }),
		)
	}
	for _, p := range ran {
		if !p.learnt || p.whole {
			continue
		}
		p.merged = s.outcomes[p.trace.Outcome]
		if p.Pruned == "" {
			s.outcomes[p.trace.Outcome] = true
		}
	}
	return ran
}

// extend makes the plans that add one fault to a plan that has run.
func (s *exploredSpace) extend(parent *Probe) []*Probe {
	if !parent.learnt || parent.whole {
		return nil
	}
	var made []*Probe
	for _, v := range parent.trace.Visits {
		n := max(v.Saga, 1)
		if parent.within(v) {
			continue
		}
		if s.rep[n] == n {
			s.reach(v)
		}
		if !s.follows(parent, v) {
			continue
		}
		behind := v.Seq > parent.trace.Last
		for _, f := range parent.trace.variantsAt(v, s.Definitions[n-1], s.Ability) {
			plan := faults.Plan{Faults: append(slices.Clone(parent.Plan.Faults), f)}
			if plan.Bodiless() || parent.journey && !behind && diverts(f) {
				continue
			}
			s.counts.Raw++
			if s.rep[n] != n && !s.audit {
				s.counts.Pruned[SymmetricSagas.Name]++
				continue
			}
			p := &Probe{
				Space: s.Name, Plan: canonical(plan), Level: len(parent.Plan.Faults) + 1, like: s.like,
				fault: f, kind: kindOf(s.Definitions[0], f.At.Step), after: parent.shape(), behind: behind,
			}
			if s.add(parent, p) {
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
	if parent.journey && v.Seq <= parent.trace.Last {
		return true
	}
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

// add applies the rules to a new probe; false: there is nothing to hand out, since the very same
// plan is there, it has its turn at the next level, or a rule leaves it out.
func (s *exploredSpace) add(parent, p *Probe) bool {
	if s.plans[p.Plan.ID()] {
		s.counts.Pruned[SameSet.Name]++
		return false
	}
	if parent.journey && s.repeats(p) {
		if s.depth > 1 {
			s.counts.Raw--
			s.later = append(s.later, p)
			return false
		}
		p.Pruned = SameTurn.Name
	} else {
		p.Pruned = s.rule(parent, p)
	}
	s.plans[p.Plan.ID()] = true
	if p.Pruned != "" {
		s.counts.Pruned[p.Pruned]++
	}
	return p.Pruned == "" || s.audit
}

// rule finds the rule by which a probe is left out.
func (s *exploredSpace) rule(parent, p *Probe) string {
	d, f := s.Definitions[0], p.fault
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
	stand := underSymmetry(p.Plan, s.swaps)
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

// hash is a number that depends on the space and the plan alone.
func hash(p *Probe) uint64 {
	sum := sha256.Sum256([]byte(p.Space + " " + p.Plan.ID()))
	return binary.BigEndian.Uint64(sum[:8])
}

// Shard is the part, from 1 to n, that a probe belongs to: the same wherever it
// is made.
func (p *Probe) Shard(n int) int { return int(hash(p)%uint64(n)) + 1 }

// Final tells that a probe is not extended, whatever its run shows.
func (p *Probe) Final(depth int) bool {
	return p.whole || !p.journey && p.Level >= depth
}
