package results

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
)

// Diff is what changed from one run to another.
type Diff struct {
	Then RunLine `json:"then"`
	Now  RunLine `json:"now"`
	// Differs says what else is different besides what was found: versions, seeds, plans,
	// scenarios. Empty: both were to run the same.
	Differs []string `json:"differs"`
	// New are findings of now that no finding of then explains.
	New []Changed `json:"new"`
	// Gone are findings of then whose plan was run now and broke nothing of the kind.
	Gone []Changed `json:"gone"`
	// NotTried are findings of then that now could not show: the property was not judged in that
	// scenario, or no cell ran their plan.
	NotTried []Changed `json:"not_tried"`
	Same     []Changed `json:"same"`
	// Unjudged are clauses that were judged then and not now; Judged the converse.
	Unjudged []string `json:"clauses_no_longer_judged"`
	Judged   []string `json:"clauses_newly_judged"`
	// Verdicts are the properties that have another verdict.
	Verdicts []VerdictChange `json:"verdicts"`
	Exit     int             `json:"exit"`
	// Reasons say why the exit code is not 0.
	Reasons []string `json:"reasons,omitempty"`
}

// Changed is a finding in a Diff.
type Changed struct {
	Finding
	ID string `json:"id"`
	// Note is what else is known: for example that no cell had run the plan of a new one.
	Note string `json:"note,omitempty"`
}

// VerdictChange is a property with another verdict.
type VerdictChange struct {
	Property string           `json:"property"`
	Then     checkers.Outcome `json:"then"`
	Now      checkers.Outcome `json:"now"`
}

// RunLine is a run in few words.
type RunLine struct {
	Dir          string    `json:"dir"`
	Started      time.Time `json:"started"`
	Tool         string    `json:"tool,omitempty"`
	Command      string    `json:"command,omitempty"`
	Orchestrator string    `json:"orchestrator,omitempty"` // with its version
	Participants string    `json:"participants,omitempty"`
	Seed         uint64    `json:"seed,omitempty"`
	Outcome      State     `json:"outcome,omitempty"`
	Exit         int       `json:"exit"`
	Findings     int       `json:"findings"`
	Totals       Totals    `json:"totals"`
	DurationMS   int64     `json:"duration_ms"`
	CellsPerS    float64   `json:"cells_per_second"`
}

// Line is the run in few words.
func (r *Run) Line() RunLine {
	l := RunLine{
		Dir: r.Dir, Started: r.Started, Tool: r.Tool, Command: r.Command, Participants: r.Profile, Seed: r.Seed,
		Orchestrator: strings.TrimSpace(r.Orchestrator.Name + " " + r.Orchestrator.Version),
		Outcome:      r.Summary.Outcome, Exit: r.Summary.Exit, Findings: len(r.Keyed()), Totals: r.Totals, DurationMS: r.DurationMS,
	}
	if r.DurationMS > 0 {
		l.CellsPerS = float64(r.Totals.Cells+r.Totals.Repeated) * 1000 / float64(r.DurationMS)
	}
	return l
}

// NewDiff compares two runs by the keys of their findings. Runs that have nothing to be compared by are
// refused: other participants (keys have them), no scenario or no property in common, a kill matrix
// or a comparison of engines. What else differs is said. The exit code is ExitViolation if anything
// new was found; else ExitUnproven if something was judged then and not now, or now did not come to its end;
// else ExitPass.
func NewDiff(then, now *Run) (*Diff, error) {
	if err := incomparable(then, now); err != nil {
		return nil, err
	}
	d := &Diff{
		Then: then.Line(), Now: now.Line(), Differs: orEmpty(unlike(then, now)),
		New: []Changed{}, Gone: []Changed{}, NotTried: []Changed{}, Same: []Changed{}, Verdicts: []VerdictChange{},
	}
	d.match(then, now)
	a, b := then.judged(), now.judged()
	d.Unjudged, d.Judged = orEmpty(without(a, b)), orEmpty(without(b, a))
	for _, p := range now.Properties {
		i := slices.IndexFunc(then.Properties, func(o Property) bool { return o.Name == p.Name })
		if i >= 0 && then.Properties[i].Verdict != p.Verdict {
			d.Verdicts = append(d.Verdicts, VerdictChange{p.Name, then.Properties[i].Verdict, p.Verdict})
		}
	}
	d.decide()
	return d, nil
}

// incomparable says why two runs have nothing to be compared by.
func incomparable(then, now *Run) error {
	for _, r := range []*Run{then, now} {
		if r.Mutants != nil || r.Comparison != nil {
			return fmt.Errorf("%s: a kill matrix or a comparison of engines: expected the report of run, explore or check", r.name())
		}
	}
	if then.Profile != now.Profile {
		return fmt.Errorf("%s has %s participants, and %s has %s: the findings of one say nothing of those of the other (sagacheck compare runs the same plans with both)",
			then.name(), then.Profile, now.name(), now.Profile)
	}
	if len(common(then.Scenarios(), now.Scenarios())) == 0 {
		return errors.New("they have no scenario in common: " + listed(then.Scenarios()) + "; and " + listed(now.Scenarios()))
	}
	if len(common(propertyNames(then), propertyNames(now))) == 0 {
		return errors.New("they have no property in common: " + listed(propertyNames(then)) + "; and " + listed(propertyNames(now)))
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// unlike says what two runs were to do differently, or with what else.
func unlike(then, now *Run) []string {
	var out []string
	differ := func(what string, a, b any) {
		if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
			out = append(out, fmt.Sprintf("%s: %s → %s", what, x, y))
		}
	}
	differ("orchestrator", then.Line().Orchestrator, now.Line().Orchestrator)
	differ("sagacheck", then.Tool, now.Tool)
	differ("seed", then.Seed, now.Seed)
	only := func(what string, a, b []string) {
		if names := without(a, b); len(names) > 0 {
			out = append(out, what+": "+strings.Join(names, ", "))
		}
	}
	only("scenarios of then that now has not", then.Scenarios(), now.Scenarios())
	only("scenarios of now that then had not", now.Scenarios(), then.Scenarios())
	only("properties of then that now has not", propertyNames(then), propertyNames(now))
	only("properties of now that then had not", propertyNames(now), propertyNames(then))
	if len(then.Content.Scenarios) > 0 && len(now.Content.Scenarios) > 0 {
		both := func(c Content) Content {
			kept := Content{Scenarios: map[string]string{}, Plans: c.Plans, Settings: c.Settings}
			for _, s := range common(then.Scenarios(), now.Scenarios()) {
				kept.Scenarios[s] = c.Scenarios[s]
			}
			return kept
		}
		out = append(out, both(now.Content).Differences(both(then.Content))...)
	}
	return out
}

// without are those of a that b has not.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// match sorts the findings of both runs.
func (d *Diff) match(then, now *Run) {
	old, found := then.Keyed(), now.Keyed()
	before, after := then.struck(), now.struck()
	for _, f := range found {
		c := Changed{Finding: f, ID: f.ID()}
		switch {
		case slices.ContainsFunc(old, func(o Finding) bool { return o.Explains(f) }):
			d.Same = append(d.Same, c)
			continue
		case slices.ContainsFunc(old, f.Explains):
			c.Note = "fewer faults than then are enough"
		case !tried(before, f):
			c.Note = "its plan was not run then"
		}
		d.New = append(d.New, c)
	}
	for _, o := range old {
		c := Changed{Finding: o, ID: o.ID()}
		switch {
		case slices.ContainsFunc(found, func(f Finding) bool { return f.Explains(o) || o.Explains(f) }): // told above
		case !now.judges(o):
			c.Note = o.Property + " was not judged in " + o.Scenario
			d.NotTried = append(d.NotTried, c)
		case !tried(after, o):
			c.Note = "its plan was not run"
			if now.Totals.CellsLeftOut > 0 {
				c.Note += ", or its cell is none of those that the report lists"
			}
			d.NotTried = append(d.NotTried, c)
		default:
			d.Gone = append(d.Gone, c)
		}
	}
}

// judges tells whether the property of a finding was judged in its scenario.
func (r *Run) judges(f Finding) bool {
	res, ok := r.Result(f.Property, f.Scenario)
	return ok && (res.Verdict == checkers.Pass || res.Verdict == checkers.Violation)
}

// struck are the plans, by scenario, of cells that came to their ends and in which all faults fired.
func (r *Run) struck() map[string][]string {
	plans := map[string][]string{}
	for _, c := range r.Cells {
		if c.Error == "" && len(c.Unfired) == 0 {
			plans[c.Scenario] = append(plans[c.Scenario], SortPlan(c.Plan))
		}
	}
	for scenario, all := range plans {
		slices.Sort(all)
		plans[scenario] = slices.Compact(all)
	}
	return plans
}

// tried tells whether all faults of a finding's plan, and perhaps others, struck in one cell.
func tried(struck map[string][]string, f Finding) bool {
	return slices.ContainsFunc(struck[f.Scenario], func(plan string) bool { return holds(plan, f.Plan) })
}

// judged are the clauses that were judged anywhere, as "property: clause".
func (r *Run) judged() []string {
	var out []string
	for _, p := range r.Properties {
		for _, k := range p.Clauses {
			if k.Judged() > 0 {
				out = append(out, p.Name+": "+k.Clause)
			}
		}
	}
	return out
}

// decide takes the exit code from what changed.
func (d *Diff) decide() {
	why := func(n int, what, reason string) {
		if n > 0 {
			d.Reasons = append(d.Reasons, words.Plural(n, what)+reason)
		}
	}
	why(len(d.New), "new finding", "")
	why(len(d.NotTried), "finding", " of then could not show now")
	why(len(d.Unjudged), "clause", " judged then and not now")
	switch o := d.Now.Outcome; o {
	case Incomplete, Errored, Interrupted:
		d.Reasons = append(d.Reasons, "the run of now is "+string(o))
	}
	switch {
	case len(d.New) > 0:
		d.Exit = ExitViolation
	case len(d.Reasons) > 0:
		d.Exit = ExitUnproven
	}
}
