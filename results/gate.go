package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
)

// Standing is how a finding stands to what is known.
type Standing string

// The standings. Fresh and Expired ones fail a run.
const (
	Fresh    Standing = "new"
	Accepted Standing = "known"     // in the baseline
	Expired  Standing = "expired"   // in the baseline, and its last day is over
	Gone     Standing = "gone"      // in the baseline; its plan was replayed and the property held each time: to be removed
	NotTried Standing = "not-tried" // in the baseline; its plan did not run here, or was not replayed
)

// Gate is what the findings of a run were held against, and what came of that.
type Gate struct {
	Baseline string   `json:"baseline,omitempty"` // the file; empty: none
	FailOn   []string `json:"fail_on,omitempty"`  // what fails, beside violations, errors and an interruption; absent: the default
	Findings []Judged `json:"findings"`
}

// Judged is a finding and how it stands: one of the run's, or one of the baseline that the run
// did not show.
type Judged struct {
	Finding
	Standing    Standing `json:"standing" jsonschema:"enum=new,enum=known,enum=expired,enum=gone,enum=not-tried"`
	Reason      string   `json:"reason,omitempty"` // of the baseline, as are owner and last day
	Owner       string   `json:"owner,omitempty"`
	Expires     string   `json:"expires,omitempty"`
	NotReplayed string   `json:"not_replayed,omitempty"` // why nobody knows how often it comes back
}

// Flaky tells whether a finding that is not gone did not come back each time it was replayed.
func (j Judged) Flaky() bool { return j.Standing != Gone && j.Finding.Flaky() }

// Failing tells whether a finding is one that nobody has accepted.
func (j Judged) Failing() bool { return j.Standing == Fresh || j.Standing == Expired }

// Replays is how often findings came back.
type Replays struct {
	Rates map[Key]Rate   // of replays in which all faults fired and the property was judged: at least one
	Why   map[Key]string // those that were not replayed
	Else  string         // why all others were not
}

// Hold holds a run against what is known (nil: nothing), and judges it again. The run's
// findings are those of its cells; that a plan was shrunk makes no other one of it.
func (r *Run) Hold(b *Baseline, failOn []string, played Replays, now time.Time) error {
	if err := b.Fits(r.Orchestrator.Name); err != nil {
		return err
	}
	g := &Gate{FailOn: failOn, Findings: []Judged{}}
	if b != nil {
		g.Baseline = b.file
	}
	cells, shrunk := r.originals()
	for i := range cells {
		if rate, replayed := played.Rates[cells[i].Key]; replayed {
			cells[i].Reproduced = &rate
		}
	}
	for _, f := range smallest(slices.Concat(cells, shrunk)) {
		g.Findings = append(g.Findings, b.judge(f, cells, now))
	}
	g.Findings = append(g.Findings, b.unseen(r, cells, played, now)...)
	for i := range g.Findings {
		j := &g.Findings[i]
		rate, replayed := played.Rates[j.Key]
		switch {
		case replayed:
			j.Reproduced = &rate
		case j.Reproduced == nil && (j.Standing != NotTried || r.ran(j.Key)):
			j.NotReplayed = cmp.Or(played.Why[j.Key], played.Else)
		}
	}
	r.Gate = g
	r.Judge()
	return nil
}

// Reproduce notes beside the failures how often they came back.
func (r *Run) Reproduce(played Replays) {
	done := map[Key]bool{}
	for i := range r.Failures {
		f := &r.Failures[i]
		key := r.KeyOf(*f)
		rate, replayed := played.Rates[key]
		if replayed && f.Verdict == checkers.Violation && f.Reproduced == nil && !done[key] {
			f.Reproduced = &rate
		}
		done[key] = true
	}
}

// Partial says why a run is not all that it was to be; empty: it is. What it doesn't show then may still
// be there.
func (r *Run) Partial() string {
	why := slices.Concat(r.errorReasons(), r.LeftOutReasons())
	if r.Interrupted {
		why = append(why, "interrupted")
	}
	if len(why) == 0 {
		return ""
	}
	return why[0]
}

// originals are the findings of a run's cells, each with its whole plan; and those of plans
// that were shrunk to a part of one of these.
func (r *Run) originals() (cells, shrunk []Finding) {
	cells = r.ofCells()
	for _, f := range r.Failures {
		k := Finding{Key: r.KeyOf(f), Also: f.Also, Reproduced: f.Reproduced}
		if f.Verdict == checkers.Violation && f.ShrunkFrom != "" && slices.ContainsFunc(cells, func(o Finding) bool {
			return k.partOf(o) && slices.Contains(k.broken(), o.Property)
		}) {
			shrunk = append(shrunk, k)
		}
	}
	return cells, shrunk
}

// ofCells are the findings of a run's cells, each with its whole plan.
func (r *Run) ofCells() []Finding {
	cells := slices.Clone(r.Found)
	for _, f := range r.Failures {
		if len(r.Found) == 0 && f.Verdict == checkers.Violation && f.ShrunkFrom == "" { // written before all were kept
			cells = append(cells, Finding{Key: r.KeyOf(f), Also: f.Also})
		}
	}
	return cells
}

// known are the findings of a baseline; nil: none. One whose plan has no fault says something of other plans only if it
// is among the cells of the run and comes back each time there.
func (b *Baseline) known(cells []Finding) (out []Finding) {
	if b == nil {
		return nil
	}
	for _, k := range b.Findings {
		f := k.finding()
		if i := slices.IndexFunc(cells, func(o Finding) bool { return o.Key == f.Key }); i >= 0 && f.Plan == noFault {
			f.Reproduced = cells[i].Reproduced
		}
		out = append(out, f)
	}
	return out
}

// judge tells how a finding stands. One that no cell showed, but what was left of a larger plan when that
// was shrunk, is known if each cell that it tells anything of is, by entries that name all that it broke.
func (b *Baseline) judge(f Finding, cells []Finding, now time.Time) Judged {
	j := Judged{Finding: f, Standing: Fresh}
	by, open := explain(b.known(cells), f)
	if own := func(o Finding) bool { return o.Key == f.Key }; len(open) > 0 && !slices.ContainsFunc(cells, own) {
		by, open = b.shrunk(f, cells)
	}
	if len(open) > 0 || len(by) == 0 || slices.ContainsFunc(by, func(i int) bool { return b.Findings[i].unfinished() }) {
		return j
	}
	j.Standing = Accepted
	for _, i := range by {
		j.take(b.Findings[i], now)
	}
	return j
}

// Knows tells whether a property that a cell broke with a plan is known; nil: nothing is.
func (b *Baseline) Knows(k Key, now time.Time) bool {
	f := Finding{Key: k}
	return b.judge(f, []Finding{f}, now).Standing == Accepted
}

// shrunk are the entries that know the cells of which a shrunk plan tells anything, and what they leave open.
func (b *Baseline) shrunk(f Finding, cells []Finding) (by []int, open []string) {
	open = f.broken()
	known := b.known(cells)
	var news []string
	for _, o := range cells {
		if f.partOf(o) && len(common(f.broken(), o.broken())) > 0 {
			entries, more := explain(known, o)
			by, news = append(by, entries...), append(news, more...)
			for _, i := range entries {
				open = without(open, known[i].broken())
			}
		}
	}
	return by, union(open, news)
}

// take takes what people say of a finding: the first to expire counts.
func (j *Judged) take(k Known, now time.Time) {
	if j.Expires == "" || k.Expires < j.Expires {
		j.Reason, j.Owner, j.Expires = k.Reason, k.Owner, k.Expires
	}
	if k.Expired(now) {
		j.Standing = Expired
	}
}

// unseen are the entries of a baseline that no cell of the run showed.
func (b *Baseline) unseen(r *Run, cells []Finding, played Replays, now time.Time) (out []Judged) {
	if b == nil {
		return nil
	}
	for _, k := range b.Findings {
		f := k.finding()
		seen := func(o Finding) bool {
			by, _ := explain([]Finding{f}, o)
			less, _ := explain([]Finding{o}, f) // a part of its plan did it, which says more
			return len(by)+len(less) > 0
		}
		if slices.ContainsFunc(cells, seen) {
			continue
		}
		j := Judged{Finding: f, Standing: NotTried, Reason: k.Reason, Owner: k.Owner, Expires: k.Expires}
		switch {
		case played.Rates[f.Key].Hits > 0 && k.unfinished():
			j.Standing = Fresh
		case played.Rates[f.Key].Hits > 0:
			j.Standing = Accepted
			j.take(k, now)
		case played.Rates[f.Key].Tries > 0:
			j.Standing = Gone
		}
		out = append(out, j)
	}
	slices.SortFunc(out, func(a, b Judged) int { return a.byHarm(b.Key) })
	return out
}

// ran tells whether a cell had the plan of a finding.
func (r *Run) ran(k Key) bool {
	return r.Profile == k.Participants && slices.ContainsFunc(r.Cells, func(c Cell) bool {
		return c.Scenario == k.Scenario && SortPlan(c.Plan) == k.Plan
	})
}

// accepted tells whether all that a property was broken by is known: each cell that broke it is
// counted among the findings, and none of those is new.
func (r *Run) accepted(property string) bool {
	return r.eachScenario(property, func(res Result) bool { return len(r.Known(res)) > 0 })
}

// excused tells whether nothing that a property was broken by fails the run: it is known, or let through.
func (r *Run) excused(property string) bool {
	return r.eachScenario(property, func(res Result) bool {
		list, whole := r.telling(res)
		return whole && !slices.ContainsFunc(list, func(j Judged) bool { return j.Failing() && !r.Gate.letThrough(j) })
	})
}

// eachScenario tells whether something holds of a property in each scenario in which it was broken.
func (r *Run) eachScenario(property string, holds func(Result) bool) bool {
	for _, s := range r.Scenarios() {
		res, judged := r.Result(property, s)
		if judged && res.Cells.Violation > 0 && !holds(res) {
			return false
		}
	}
	return r.Gate != nil
}

// Standings are the findings that tell of a property in a scenario, but for those that the run didn't show.
func (r *Run) Standings(property, scenario string) (list []Judged) {
	if r.Gate == nil {
		return nil
	}
	for _, j := range r.Gate.Findings {
		if (j.Standing == Accepted || j.Failing()) && j.Scenario == scenario && slices.Contains(j.broken(), property) {
			list = append(list, j)
		}
	}
	return list
}

// Known are the findings that say all of what broke a property in a scenario, if all of them are known.
func (r *Run) Known(res Result) []Judged {
	list, whole := r.telling(res)
	if !whole || slices.ContainsFunc(list, Judged.Failing) {
		return nil
	}
	return list
}

// telling are the findings that tell of a property in a scenario; whole: each cell that broke it is counted
// among them.
func (r *Run) telling(res Result) (list []Judged, whole bool) {
	list = r.Standings(res.Property, res.Scenario)
	found := 0
	for _, f := range r.Found {
		if f.Scenario == res.Scenario && slices.Contains(f.broken(), res.Property) {
			found += f.Cells
		}
	}
	return list, len(list) > 0 && found >= res.Cells.Violation
}

// StandingOf is how the finding stands that a failure belongs to: the smallest one that tells of it.
func (r *Run) StandingOf(f Failure) (Judged, bool) {
	if r.Gate == nil || f.Verdict != checkers.Violation {
		return Judged{}, false
	}
	return r.standingOf(Finding{Key: r.KeyOf(f), Also: f.Also})
}

// standingOf is StandingOf for a finding by its key.
func (r *Run) standingOf(own Finding) (Judged, bool) {
	if r.Gate == nil {
		return Judged{}, false
	}
	best := -1
	for i, j := range r.Gate.Findings {
		if (j.Standing == Accepted || j.Failing()) && j.Property == own.Property && j.beside(own) && (best < 0 || j.Failing() && !r.Gate.Findings[best].Failing()) {
			best = i
		}
	}
	if best < 0 {
		return Judged{}, false
	}
	return r.Gate.Findings[best], true
}

// Text is a finding on one line, with what is known of it.
func (j Judged) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: %s", j.Property, j.Scenario, j.Plan)
	if len(j.Also) > 0 {
		fmt.Fprintf(&b, " (also breaks %s)", strings.Join(j.Also, ", "))
	}
	return b.String()
}
