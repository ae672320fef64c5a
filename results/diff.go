package results

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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
	// Gone are findings of then whose plan was run now, without other faults, and broke nothing of the kind where
	// the property was judged.
	Gone []Changed `json:"gone"`
	// NotTried are findings of then that now could not show: the property was not judged in that
	// scenario or cell, or no cell ran their plan alone.
	NotTried []Changed `json:"not_tried"`
	Same     []Changed `json:"same"`
	// NotRun are the scenarios of then that now did not run.
	NotRun []string `json:"scenarios_not_run"`
	// Unjudged are clauses that were judged then and not now in a scenario that both ran; Judged the converse.
	Unjudged []string `json:"clauses_no_longer_judged"`
	Judged   []string `json:"clauses_newly_judged"`
	// Verdicts are the properties that have another verdict, in a scenario or over all of them.
	Verdicts []VerdictChange `json:"verdicts"`
	// Open are properties, broken now, that are inconclusive in other cells of the scenario, and were in none then.
	Open []string `json:"newly_inconclusive"`
	Exit int      `json:"exit"`
	// Reasons say why the exit code is not 0.
	Reasons []string `json:"reasons,omitempty"`
}

// Changed is a finding in a Diff.
type Changed struct {
	Finding
	ID string `json:"id"`
	// Shrunk is the smaller plan that its own was shrunk to.
	Shrunk string `json:"shrunk_to,omitempty"`
	// Note is what else is known: for example that no cell had run the plan of a new one.
	Note string `json:"note,omitempty"`
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
	Troubles     []string  `json:"troubles,omitempty"` // errors of the run and of cells, and what did not run
	Findings     int       `json:"findings"`
	Totals       Totals    `json:"totals"`
	DurationMS   int64     `json:"duration_ms"`
	CellsPerS    float64   `json:"cells_per_second"`
}

// Line is the run in few words.
func (r *Run) Line() RunLine {
	findings, _ := r.Findings()
	l := RunLine{
		Dir: r.Dir, Started: r.Started, Tool: r.Tool, Command: r.Command, Participants: r.Profile, Seed: r.Seed,
		Orchestrator: strings.TrimSpace(r.Orchestrator.Name + " " + r.Orchestrator.Version),
		Outcome:      r.Summary.Outcome, Exit: r.Summary.Exit, Troubles: slices.Concat(r.errorReasons(), r.LeftOutReasons()), Findings: findings, Totals: r.Totals, DurationMS: r.DurationMS,
	}
	if r.DurationMS > 0 {
		l.CellsPerS = float64(r.Totals.Cells+r.Totals.Repeated) * 1000 / float64(r.DurationMS)
	}
	return l
}

// NewDiff compares two runs by the keys of their findings. Runs that have nothing to be compared by are
// refused: other participants (keys have them), no scenario or no property in common, a kill matrix
// or a comparison of engines. What else differs is said. The exit code is ExitViolation if anything
// new was found; else ExitUnproven if something was judged then and not now, in any of the scenarios, or now did not
// come to its end or left something open; else ExitPass.
func NewDiff(then, now *Run) (*Diff, error) {
	if err := incomparable(then, now); err != nil {
		return nil, err
	}
	d := &Diff{
		Then: then.Line(), Now: now.Line(), Differs: orEmpty(unlike(then, now)),
		New: []Changed{}, Gone: []Changed{}, NotTried: []Changed{}, Same: []Changed{},
	}
	d.match(then, now)
	d.verdicts(then, now)
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
	old, found := then.Shown(), now.Shown()
	before, after := then.struck(), now.struck()
	for _, f := range found {
		c := changed(now, f)
		switch _, more := explain(old, f); {
		case len(more) == 0:
			d.Same = append(d.Same, c)
			continue
		case len(more) < len(f.broken()):
			c.Note = "then it did not break " + strings.Join(more, ", ")
		case slices.ContainsFunc(old, f.Explains):
			c.Note = "fewer faults than then are enough"
		default:
			if why := before.unasked(f, more); why != "" {
				c.Note = why + " then"
			}
		}
		d.New = append(d.New, c)
	}
	for _, o := range old {
		lost := o.broken()
		for _, f := range found {
			if f.beside(o) || o.beside(f) {
				lost = without(lost, f.broken()) // told above
			}
		}
		if len(lost) == 0 {
			continue
		}
		c := changed(then, o)
		if len(lost) < len(o.broken()) {
			c.Note = strings.Join(lost, ", ") + " only: the rest is still broken"
		}
		why := after.unasked(o, lost)
		if why == "" {
			d.Gone = append(d.Gone, c)
			continue
		}
		if now.Totals.CellsLeftOut > 0 {
			why += ", or its cell is none of those that the report lists"
		}
		c.Note = strings.TrimPrefix(c.Note+"; "+why, "; ")
		d.NotTried = append(d.NotTried, c)
	}
}

func changed(r *Run, f Finding) Changed {
	c := Changed{Finding: f, ID: f.ID()}
	if l := r.FailureOf(f); l != nil {
		c.Shrunk = l.ShrunkTo()
	}
	return c
}
