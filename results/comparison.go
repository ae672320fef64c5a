package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
)

// Comparison is engine × anomaly × participant profile: which engine needs which
// protection from its participants. All engines ran the same plans.
type Comparison struct {
	Anomalies []string      `json:"anomalies"` // columns, in this order
	Profiles  []string      `json:"profiles"`  // one table each
	Engines   []Engine      `json:"engines"`   // rows
	Marks     []CompareMark `json:"marks"`     // one an engine, profile and anomaly
	Machine   string        `json:"machine,omitempty"`
	AtOnce    int           `json:"sagas_at_once,omitempty"` // in the measurement of speed
	// Strict: a finding makes the comparison red, as it would a run.
	Strict bool `json:"strict,omitempty"`
}

// Engine is one orchestrator of a comparison.
type Engine struct {
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"`
	Settings []string `json:"settings,omitempty"` // what was configured, and why
	Note     string   `json:"note,omitempty"`     // for example why it was not run
	// SagasPerSecond without faults, through the same harness, as many at once for
	// each engine; Ratio to the reference executor in the same run.
	SagasPerSecond float64 `json:"sagas_per_second,omitempty"`
	Ratio          float64 `json:"ratio,omitempty"`
}

// CompareMark is one cell of the comparison.
type CompareMark struct {
	Engine     string  `json:"engine"`
	Profile    string  `json:"profile"`
	Anomaly    string  `json:"anomaly"`
	Mark       MarkOf  `json:"mark"`
	Reason     string  `json:"reason,omitempty"` // of every mark but holds and violated
	AtRisk     int     `json:"at_risk"`
	Cells      int     `json:"cells"`
	Violations int     `json:"violations,omitempty"` // cells
	Plan       string  `json:"smallest_plan,omitempty"`
	Broken     string  `json:"broken,omitempty"`
	Replay     string  `json:"replay,omitempty"`
	Replays    *Rate   `json:"replays,omitempty"`
	Behaviour  string  `json:"behaviour,omitempty"` // documented, setting, unavoidable, consequence or surprise
	Source     string  `json:"source,omitempty"`    // where the engine's documentation says so
	RunSeconds float64 `json:"run_seconds,omitempty"`
}

// MarkOf is what an engine did about an anomaly.
type MarkOf string

// The marks of a comparison.
const (
	Holds         MarkOf = "holds"
	IsViolated    MarkOf = "violated"
	NotApplicable MarkOf = "not-applicable"
	NotAtRisk     MarkOf = "not-at-risk"
	Undecided     MarkOf = "inconclusive"
	NotRunAtAll   MarkOf = "not-run" // the engine failed or was not there
)

// Compare makes the matrix of runs that had the same plans, one a pair of engine
// and profile. Advice is left out. A finding that came back in no replay is undecided: it may have been the machine's.
func Compare(runs []*Run) *Comparison {
	c := &Comparison{}
	for _, r := range runs {
		if !slices.ContainsFunc(c.Engines, func(e Engine) bool { return e.Name == r.Orchestrator.Name }) {
			c.Engines = append(c.Engines, Engine{Name: r.Orchestrator.Name, Version: r.Orchestrator.Version})
		}
		if !slices.Contains(c.Profiles, r.Profile) {
			c.Profiles = append(c.Profiles, r.Profile)
		}
		for _, p := range r.Properties {
			if p.Advice {
				continue
			}
			if !slices.Contains(c.Anomalies, p.Name) {
				c.Anomalies = append(c.Anomalies, p.Name)
			}
			c.Marks = append(c.Marks, r.mark(p))
		}
	}
	return c
}

var marksOf = map[checkers.Outcome]MarkOf{
	checkers.Pass: Holds, checkers.Violation: IsViolated, checkers.NotApplicable: NotApplicable,
	checkers.Vacuous: NotAtRisk, checkers.Inconclusive: Undecided,
}

func (r *Run) mark(p Property) CompareMark {
	m := CompareMark{
		Engine: r.Orchestrator.Name, Profile: r.Profile, Anomaly: p.Name, Mark: marksOf[p.Verdict],
		AtRisk: p.AtRisk, Cells: p.Cells, RunSeconds: float64(r.DurationMS) / 1000,
	}
	if m.Mark != Holds && m.Mark != IsViolated {
		m.Reason = cmp.Or(p.Reason, "no reason was given")
	}
	if p.Cells == 0 && r.Summary.Outcome == Errored {
		m.Mark, m.Reason = NotRunAtAll, strings.Join(r.Summary.Reasons, "; ")
	}
	if smallest := r.smallestOf(p.Name); smallest != nil {
		m.Plan, m.Broken, m.Replay, m.Replays = smallest.Plan, smallest.Broken, smallest.File, smallest.Reproduced
	}
	for _, res := range r.Results {
		if res.Property == p.Name {
			m.Violations += res.Cells.Violation
		}
	}
	if replays := r.inVain(p.Name); m.Mark == IsViolated && replays > 0 {
		m.Mark = Undecided
		m.Reason = fmt.Sprintf("violated in %d of its cells, which came back in none of %d replays (%s): %s", m.Violations, replays, m.Plan, m.Broken)
	}
	return m
}

// enoughReplays that all held show that a plan does not break a property by itself.
const enoughReplays = 3

// PlansReplayed is how many plans of one property are replayed, one after the other until one comes back. If none did, the
// others that broke it tell no more.
const PlansReplayed = 3

// violationsOf are the failures of a property in which it leads, or else the one in which it is told by itself: replays are of these.
func (r *Run) violationsOf(property string) (all []*Failure) {
	for _, list := range [][]Failure{r.Failures, r.Beside} {
		for i := range list {
			if f := &list[i]; f.Verdict == checkers.Violation && f.Property == property {
				all = append(all, f)
			}
		}
	}
	return all
}

// smallestOf is that of the fewest faults, or else one of another property that broke this one too; nil: there is none.
func (r *Run) smallestOf(property string) (smallest *Failure) {
	of := r.violationsOf(property)
	if len(of) == 0 {
		for i := range r.Failures {
			if f := &r.Failures[i]; f.Verdict == checkers.Violation && f.breaks(property) {
				of = append(of, f)
			}
		}
	}
	for _, f := range of {
		if smallest == nil || f.before(*smallest) {
			smallest = f
		}
	}
	return smallest
}

// inVain is how many replays a property had without coming back: of each of its failures, or of PlansReplayed of them, often
// enough. 0: it came back, or that is not sure.
func (r *Run) inVain(property string) (replays int) {
	failures, tried := r.violationsOf(property), 0
	for _, f := range failures {
		switch rate := f.Reproduced; {
		case rate == nil:
		case rate.Hits > 0:
			return 0
		case rate.Tries >= enoughReplays:
			tried++
			replays += rate.Tries
		}
	}
	if tried < min(len(failures), PlansReplayed) {
		return 0
	}
	return replays
}

// Mark finds one mark.
func (c *Comparison) Mark(engine, profile, anomaly string) (CompareMark, bool) {
	i := slices.IndexFunc(c.Marks, func(m CompareMark) bool {
		return m.Engine == engine && m.Profile == profile && m.Anomaly == anomaly
	})
	if i < 0 {
		return CompareMark{}, false
	}
	return c.Marks[i], true
}

// missing names the cells that have no mark, or none with a reason: a complete
// matrix has none.
func (c *Comparison) missing() []string {
	var out []string
	for _, e := range c.Engines {
		for _, p := range c.Profiles {
			for _, a := range c.Anomalies {
				m, ok := c.Mark(e.Name, p, a)
				switch {
				case !ok:
					out = append(out, fmt.Sprintf("%s with %s participants: no mark for %s", e.Name, p, a))
				case m.Reason == "" && m.Mark != Holds && m.Mark != IsViolated:
					out = append(out, fmt.Sprintf("%s with %s participants: %s is %s without a reason", e.Name, p, a, m.Mark))
				}
			}
		}
	}
	return out
}

// notRun says once for each engine and profile that it did not run.
func (c *Comparison) notRun() []string {
	var out []string
	for _, m := range c.Marks {
		if m.Mark == NotRunAtAll {
			out = append(out, fmt.Sprintf("%s with %s participants did not run: %s", m.Engine, m.Profile, m.Reason))
		}
	}
	return slices.Compact(out)
}

// judge gives the reasons why the comparison is not green: what is missing and
// what did not run, and every finding if it is strict.
func (c *Comparison) judge() (violated, errored, inconclusive, vacuous []string) {
	vacuous = c.missing()
	if len(c.Marks) == 0 {
		vacuous = append(vacuous, "nothing was compared")
	}
	errored = c.notRun()
	if !c.Strict {
		return nil, errored, nil, vacuous
	}
	for _, m := range c.Marks {
		what := fmt.Sprintf("%s with %s participants: %s is %s", m.Engine, m.Profile, m.Anomaly, m.Mark)
		switch m.Mark {
		case IsViolated:
			violated = append(violated, what)
		case Undecided:
			inconclusive = append(inconclusive, what+": "+m.Reason)
		case NotAtRisk:
			vacuous = append(vacuous, what+": "+m.Reason)
		}
	}
	return violated, errored, inconclusive, vacuous
}
