package agents

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

type findingsArguments struct {
	Folder string `json:"folder,omitempty" jsonschema:"folder of a run, or of the reports of runs, whose last is taken (default sagacheck-out)"`
	Limit  int    `json:"limit,omitempty" jsonschema:"how many findings at the most (default 10)"`
}

func (s *server) findings(_ context.Context, _ *mcp.CallToolRequest, in findingsArguments) (outcome, error) {
	if in.Limit < 0 {
		return outcome{}, fmt.Errorf("limit %d: expected 0 (the default, %d) or more", in.Limit, mostFindings)
	}
	r, err := results.LoadReport(cmp.Or(in.Folder, campaign.Defaults().Out))
	if err != nil {
		return outcome{}, fmt.Errorf("folder: %w", err)
	}
	return s.outcomeOf(r, cmp.Or(in.Limit, mostFindings)), nil
}

// How much of a story is told: what is marked, and what is near it.
const (
	mostLines  = 60
	mostEffect = 20
)

type explanation struct {
	Property   string   `json:"property"`
	Definition string   `json:"definition" jsonschema:"of the anomaly"`
	Promise    string   `json:"promise,omitempty" jsonschema:"the clause that was broken"`
	Scenario   string   `json:"scenario"`
	Broken     string   `json:"broken" jsonschema:"the guarantee that was broken, in this cell"`
	Also       []string `json:"also,omitempty" jsonschema:"other properties that were broken in the cell"`
	Plan       []string `json:"plan" jsonschema:"the faults; none: it happens without one"`
	Step       string   `json:"step,omitempty" jsonschema:"of the saga that it is about"`
	Story      []string `json:"story" jsonschema:"what happened, in order; ↯ marks a fault, ▶ the events that prove the violation"`
	Effects    []string `json:"effects" jsonschema:"what took effect, and how often"`
	Prevented  string   `json:"prevented_by" jsonschema:"the practice that prevents it"`
	LeftOut    int      `json:"left_out,omitempty" jsonschema:"lines of the story and effects that are not told"`
	Replay     string   `json:"replay" jsonschema:"how to run it again on the command line"`
}

func (s *server) explain(_ context.Context, _ *mcp.CallToolRequest, in fileArguments) (e explanation, err error) {
	p, err := results.NewPostmortem(in.File)
	if err != nil {
		return e, fmt.Errorf("%s: expected the file of a finding, as run, explore and findings name it, in the folder of its run", s.Bare(err.Error()))
	}
	e = explanation{
		Property: p.Doc.Name, Definition: p.Doc.Definition, Scenario: p.Replay.Scenario, Broken: s.Bare(p.Witness.Broken), Also: p.Also,
		Plan: []string{}, Step: p.Step.Name, Prevented: p.Doc.Prevented, Replay: "sagacheck replay " + reports.QuotePath(filepath.Clean(in.File)),
	}
	if p.Clause.Name != "" {
		e.Promise = p.Clause.Name + ": " + p.Clause.Text
	}
	for _, f := range p.Replay.Plan.Faults {
		e.Plan = append(e.Plan, f.String())
	}
	told, leftOut := near(p.Story, mostLines)
	e.Story = strings.Split(strings.TrimSuffix(s.Bare(reports.StoryText(told)), "\n"), "\n")
	for _, d := range p.Did {
		e.Effects = append(e.Effects, s.Bare(did(d)))
	}
	e.Effects = append([]string{}, e.Effects...)
	e.LeftOut = leftOut + cut(&e.Effects, mostEffect)
	return e, nil
}

// near is a story without the lines that are farthest from those that are marked.
func near(s results.Story, most int) (results.Story, int) {
	for leftOut := 0; ; leftOut++ {
		if len(s.Lines) <= most {
			return s, leftOut
		}
		farthest := slices.Index(distances(s.Lines), slices.Max(distances(s.Lines)))
		s.Lines = slices.Delete(slices.Clone(s.Lines), farthest, farthest+1)
	}
}

// distances are, of each line, how far the nearest marked one is.
func distances(lines []results.Line) []int {
	far := make([]int, len(lines))
	since := len(lines)
	for i, l := range lines {
		if since++; l.Mark != "" {
			since = 0
		}
		far[i] = since
	}
	since = len(lines)
	for i, l := range slices.Backward(lines) {
		if since++; l.Mark != "" {
			since = 0
		}
		far[i] = min(far[i], since)
	}
	return far
}

// did is how often an operation took effect, in words.
func did(d results.Did) string {
	name := d.Operation.Step
	if d.Operation.Direction == saga.Compensation {
		name += ", compensation"
	}
	return fmt.Sprintf("saga %s (reported %s): %s took effect %s: %s", d.Operation.Saga, d.Status, name, words.Times(d.Times), strings.Join(d.Effects, "; "))
}

func (e explanation) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: %s\n", e.Property, e.Scenario, e.Broken)
	fmt.Fprintf(&b, "anomaly: %s\n", e.Definition)
	if e.Promise != "" {
		fmt.Fprintf(&b, "promise: %s\n", e.Promise)
	}
	if len(e.Also) > 0 {
		fmt.Fprintf(&b, "also broken: %s\n", strings.Join(e.Also, ", "))
	}
	plan := strings.Join(e.Plan, ", ")
	if plan == "" {
		plan = "none: it happens without one"
	}
	fmt.Fprintf(&b, "fault: %s\n\n%s\n\n", plan, strings.Join(e.Story, "\n"))
	for _, x := range e.Effects {
		b.WriteString(x + "\n")
	}
	if e.LeftOut > 0 {
		fmt.Fprintf(&b, "%s left out; the history in the folder of the run has all\n", words.Plural(e.LeftOut, "line"))
	}
	fmt.Fprintf(&b, "what prevents it: %s\nagain: %s\n", e.Prevented, e.Replay)
	return b.String()
}
