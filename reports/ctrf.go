package reports

import (
	"cmp"
	"io"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

// What of CTRF (Common Test Report Format) is written.
type (
	ctrfReport struct {
		Format    string      `json:"reportFormat"`
		Version   string      `json:"specVersion"`
		Timestamp string      `json:"timestamp"`
		By        string      `json:"generatedBy"`
		Results   ctrfResults `json:"results"`
	}
	ctrfResults struct {
		Tool    ctrfTool    `json:"tool"`
		Summary ctrfSummary `json:"summary"`
		Tests   []ctrfTest  `json:"tests"`
		Extra   ctrfExtra   `json:"extra"`
	}
	ctrfTool struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	ctrfSummary struct {
		Tests    int   `json:"tests"`
		Passed   int   `json:"passed"`
		Failed   int   `json:"failed"`
		Skipped  int   `json:"skipped"`
		Pending  int   `json:"pending"`
		Other    int   `json:"other"`
		Suites   int   `json:"suites"`
		Start    int64 `json:"start"`
		Stop     int64 `json:"stop"`
		Duration int64 `json:"duration"`
	}
	ctrfTest struct {
		Name     string   `json:"name"`
		Status   string   `json:"status"`
		Duration int64    `json:"duration"`
		Suite    []string `json:"suite"`
		Message  string   `json:"message,omitempty"`
		Trace    string   `json:"trace,omitempty"`
		Raw      string   `json:"rawStatus"`
		File     string   `json:"filePath,omitempty"`
		Line     int      `json:"line,omitempty"`
		Out      []string `json:"stdout,omitempty"`
	}
	ctrfExtra struct {
		Command      string   `json:"command"`
		Outcome      string   `json:"outcome"`
		Exit         int      `json:"exit"`
		Reasons      []string `json:"reasons,omitempty"`
		Orchestrator string   `json:"orchestrator,omitempty"`
		Participants string   `json:"participants,omitempty"`
		Seed         uint64   `json:"seed,omitempty"`
	}
)

// CTRF writes ctrf.json: the test cases of junit.xml. What is inconclusive, vacuous or in error has
// failed, and its rawStatus says which it is.
func CTRF(w io.Writer, r *results.Run) error {
	start := r.Started.UnixMilli()
	out := ctrfResults{
		Tool:    ctrfTool{"sagacheck", r.Tool},
		Summary: ctrfSummary{Start: start, Stop: start + r.DurationMS, Duration: r.DurationMS},
		Tests:   []ctrfTest{},
		Extra: ctrfExtra{
			Command: r.Command, Outcome: string(r.Summary.Outcome), Exit: r.Summary.Exit, Reasons: r.Summary.Reasons,
			Orchestrator: r.Orchestrator.Name, Participants: r.Profile, Seed: r.Seed,
		},
	}
	for _, s := range junitOf(r).Suites {
		out.Summary.Suites++
		for _, c := range s.Cases {
			out.add(ctrfCase(r, s.Name, c))
		}
	}
	return writeJSON(w, ctrfReport{
		Format: "CTRF", Version: "1.0.0", Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05Z"), By: "sagacheck", Results: out,
	})
}

func (c *ctrfResults) add(t ctrfTest) {
	c.Tests = append(c.Tests, t)
	c.Summary.Tests++
	switch t.Status {
	case "passed":
		c.Summary.Passed++
	case "skipped":
		c.Summary.Skipped++
	default:
		c.Summary.Failed++
	}
}

func ctrfCase(r *results.Run, suite string, c junitCase) ctrfTest {
	t := ctrfTest{Name: c.Name, Suite: []string{suite}, Status: "passed", Raw: string(checkers.Pass)}
	t.File, t.Line = r.Place(suite, "")
	switch problem := cmp.Or(c.Failure, c.Error); {
	case problem != nil:
		t.Status, t.Raw, t.Message, t.Trace = "failed", problem.Type, problem.Message, problem.Text
	case c.Skipped != nil:
		t.Status, t.Raw, t.Message = "skipped", "skipped", c.Skipped.Message
	case c.Out != nil:
		t.Out = []string{c.Out.Text}
	}
	return t
}
