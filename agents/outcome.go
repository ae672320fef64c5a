package agents

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// How much of an outcome is told.
const (
	mostFindings = 10
	mostReasons  = 8
	mostOpen     = 12
	mostErrors   = 5
)

// outcome is what a run came to. Verdict and exit code are those of the command.
type outcome struct {
	Verdict  string         `json:"verdict" jsonschema:"pass; violation; inconclusive, vacuous or incomplete (something was not proven: no pass); error (the system under test or the machine failed); interrupted; known (nothing but findings of a baseline); stale"`
	Exit     int            `json:"exit" jsonschema:"exit code of the command: 0 pass, 1 violation, 2 not proven, 4 error, 130 interrupted"`
	Summary  string         `json:"summary"`
	Replays  *replays       `json:"replays,omitempty" jsonschema:"of replay: how often it failed again"`
	Findings []finding      `json:"findings,omitempty" jsonschema:"what was broken: a property in a scenario, once for each smallest plan that breaks it"`
	Reasons  []string       `json:"reasons,omitempty" jsonschema:"why it is no pass"`
	Errors   []string       `json:"errors,omitempty" jsonschema:"cells without a verdict, and troubles of the run"`
	AtRisk   map[string]int `json:"at_risk" jsonschema:"properties that held, and how often they were at risk"`
	Open     []open         `json:"not_proven,omitempty" jsonschema:"properties that are neither proven nor broken"`
	NA       int            `json:"not_applicable" jsonschema:"how many properties say nothing of what was run"`
	LeftOut  leftOut        `json:"left_out,omitzero" jsonschema:"how much of each list is not told; report has all"`
	Report   string         `json:"report" jsonschema:"file with the whole report, for people"`
	Folder   string         `json:"folder" jsonschema:"of the run, for findings"`
	Command  string         `json:"command" jsonschema:"the same on the command line"`
	Notes    []string       `json:"notes,omitempty" jsonschema:"what was said on the way"`

	violated, ran int
}

type replays struct {
	Failed int `json:"failed"`
	Of     int `json:"of"`
}

type finding struct {
	Property string   `json:"property"`
	Scenario string   `json:"scenario"`
	Plan     string   `json:"plan" jsonschema:"its faults in words"`
	Broken   string   `json:"broken,omitempty" jsonschema:"the guarantee that was broken"`
	Also     []string `json:"also,omitempty" jsonschema:"other properties that the same cause broke"`
	Again    string   `json:"again,omitempty" jsonschema:"how often it came back when it was replayed"`
	Standing string   `json:"standing,omitempty" jsonschema:"new, or known to the baseline"`
	File     string   `json:"file,omitempty" jsonschema:"for explain and replay; empty: none was kept"`
}

type open struct {
	Property string `json:"property"`
	Verdict  string `json:"verdict"`
	Reason   string `json:"reason"`
}

type leftOut struct {
	Findings int `json:"findings,omitempty"`
	Reasons  int `json:"reasons,omitempty"`
	Errors   int `json:"errors,omitempty"`
	Open     int `json:"not_proven,omitempty"`
	Notes    int `json:"notes,omitempty"`
}

func (s *server) outcomeOf(r *results.Run, most int) outcome {
	o := outcome{
		Verdict: string(r.Summary.Outcome), Exit: r.Summary.Exit, Summary: s.Bare(reports.Headline(r)), Command: "sagacheck " + s.Bare(r.Command),
		AtRisk: map[string]int{}, Folder: r.Dir, Report: filepath.Join(r.Dir, results.MarkdownFile), violated: r.Totals.Violated, ran: r.Totals.Cells,
	}
	for _, reason := range r.Summary.Reasons {
		o.Reasons = append(o.Reasons, s.Bare(reason))
	}
	for _, p := range r.Properties {
		switch p.Verdict {
		case checkers.Pass:
			o.AtRisk[p.Name] = p.AtRisk
		case checkers.NotApplicable:
			o.NA++
		case checkers.Inconclusive, checkers.Vacuous:
			o.Open = append(o.Open, open{p.Name, string(p.Verdict), s.Bare(p.Reason)})
		}
	}
	o.Findings = s.findingsOf(r)
	o.Errors = s.errorsOf(r)
	o.LeftOut = leftOut{cut(&o.Findings, most), cut(&o.Reasons, mostReasons), cut(&o.Errors, mostErrors), cut(&o.Open, mostOpen), 0}
	return o
}

// findingsOf has, of each property in each scenario, one that can be explained before all
// others, and those that can't last: what is cut tells least.
func (s *server) findingsOf(r *results.Run) []finding {
	first, more, bare := []finding{}, []finding{}, []finding{}
	seen := map[[2]string]bool{}
	for _, f := range r.Found {
		x := s.findingOf(r, f)
		of := [2]string{x.Property, x.Scenario}
		switch {
		case x.File == "":
			bare = append(bare, x)
		case seen[of]:
			more = append(more, x)
		default:
			first = append(first, x)
			seen[of] = true
		}
	}
	return slices.Concat(first, more, bare)
}

func (s *server) findingOf(r *results.Run, f results.Finding) finding {
	x := finding{Property: f.Property, Scenario: f.Scenario, Plan: f.Plan, Also: f.Also}
	if best := r.FailureOf(f); best != nil {
		x.Broken = s.Bare(best.Broken)
		if best.ShrunkTo() != "" {
			x.Plan = best.Plan
		}
		if best.File != "" {
			x.File = filepath.Join(r.Dir, best.File)
		}
	}
	if j, ok := r.StandingOfShown(f); ok {
		x.Standing = string(j.Standing)
		switch {
		case j.Reproduced != nil:
			x.Again = fmt.Sprintf("%d of %d replays", j.Reproduced.Hits, j.Reproduced.Tries)
		case j.NotReplayed != "":
			x.Again = j.NotReplayed
		}
	}
	return x
}

func (s *server) errorsOf(r *results.Run) (list []string) {
	for _, e := range r.Errors {
		list = append(list, s.Bare(e))
	}
	for _, c := range r.Cells {
		if c.Error != "" {
			list = append(list, s.Bare(fmt.Sprintf("cell %s (%s, %s): %s", c.ID, c.Scenario, c.Plan, c.Error)))
		}
	}
	return list
}

func (o outcome) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (exit code %d): %s\n", strings.ToUpper(o.Verdict), o.Exit, o.Summary)
	if o.Replays != nil {
		fmt.Fprintf(&b, "failed again in %d of %s\n", o.Replays.Failed, words.Plural(o.Replays.Of, "replay"))
	}
	for i, f := range o.Findings {
		fmt.Fprintf(&b, "finding %d: %s in %s, by: %s\n", i+1, f.Property, f.Scenario, f.Plan)
		if f.Broken != "" {
			fmt.Fprintf(&b, "  broken: %s\n", f.Broken)
		}
		if f.Again != "" {
			fmt.Fprintf(&b, "  again: %s\n", f.Again)
		}
		if f.File != "" {
			fmt.Fprintf(&b, "  file: %s\n", f.File)
		}
	}
	if o.LeftOut.Findings > 0 {
		fmt.Fprintf(&b, "and, by other plans, %s (limit of the tool findings)\n", words.Plural(o.LeftOut.Findings, "more finding"))
	}
	for _, e := range o.Errors {
		fmt.Fprintf(&b, "error: %s\n", e)
	}
	more(&b, o.LeftOut.Errors, "error")
	for _, r := range o.Reasons {
		fmt.Fprintf(&b, "- %s\n", r)
	}
	more(&b, o.LeftOut.Reasons, "reason")
	fmt.Fprintf(&b, "held: %d properties at risk; not proven: %d; not applicable: %d\n", len(o.AtRisk), len(o.Open)+o.LeftOut.Open, o.NA)
	for _, n := range o.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	fmt.Fprintf(&b, "report: %s\n", o.Report)
	return b.String()
}

// more says how many things a list leaves out.
func more(b *strings.Builder, n int, what string) {
	if n > 0 {
		fmt.Fprintf(b, "and %s\n", words.Plural(n, "more "+what))
	}
}
