package reports_test

import (
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// formats are what CI systems read, each with what counts there as red or as a warning.
func formats() map[string]struct {
	write func(io.Writer, *results.Run) error
	red   *regexp.Regexp
} {
	type format = struct {
		write func(io.Writer, *results.Run) error
		red   *regexp.Regexp
	}
	return map[string]format{
		"JUnit":        {reports.JUnit, regexp.MustCompile(`<failure|<error|(failures|errors)="[1-9]`)},
		"CTRF":         {reports.CTRF, regexp.MustCompile(`"status": "failed"|"failed": [1-9]`)},
		"SARIF":        {reports.SARIF, regexp.MustCompile(`"level": "(warning|error)",\s*"message": \{[^}]*\},\s*"locations"`)},
		"code quality": {reports.CodeQuality, regexp.MustCompile(`"severity": "(major|critical|blocker|minor)"`)},
		"annotations":  {reports.Annotations, regexp.MustCompile(`(?m)^::(warning|error) `)},
		"summary":      {reports.Summary, regexp.MustCompile(`(?m)^\| (violation|inconclusive|vacuous|incomplete|error|interrupted|gone|stale) \|`)},
	}
}

// tried is a run whose first try of a plan missed its fault, so that the plan was run again.
func tried(verdicts ...checkers.Verdict) *results.Collector {
	c := results.New(samples.Meta())
	for i, again := range []bool{true, false} {
		h := samples.LostAnswer()
		if again {
			h = samples.Unfired(h)
		}
		c.Add(results.CellInfo{ID: []string{"c1", "c1.2"}[i], Again: again}, h, append(verdicts, samples.Pass("lost-compensation", 1), samples.Pass("breaker-violation", 1)))
	}
	return c
}

// tolerated are runs that exit 0 and say that nothing is wrong that is not known.
func tolerated(t *testing.T) map[string]*results.Run {
	t.Helper()
	all := map[string]*results.Run{
		"run again": tried(samples.Pass("duplicate-effect", 1)).Finish(),
		"a matrix":  samples.Section("mutants"), "a comparison": samples.Compared(),
	}
	compared := all["a comparison"].Comparison
	compared.Profiles = []string{"naive"} // with fenced participants one of the engines did not start
	compared.Marks = slices.DeleteFunc(compared.Marks, func(m results.CompareMark) bool { return m.Profile != "naive" })
	all["a comparison"].Judge()
	all["a matrix"].Mutants = samples.AllKilled()
	all["a matrix"].Judge()
	h := samples.LostAnswer()
	advice := samples.Duplicate(h)
	advice.Property = "redundant-call"
	c := tried(samples.Pass("duplicate-effect", 1), advice)
	all["advice"] = c.Finish()
	for name, missed := range map[string]bool{"known": false, "known, in a cell whose fault missed": true} {
		c := tried(samples.Pass("duplicate-effect", 1))
		red := samples.LostAnswer()
		broken := samples.Duplicate(red)
		if missed {
			red = samples.Unfired(red)
		}
		c.Add(results.CellInfo{ID: "c2"}, red, []checkers.Verdict{broken})
		r := c.Finish()
		b := results.NewBaseline("known.yaml")
		b.Of = "mine"
		for _, f := range r.Found {
			b.Findings = append(b.Findings, results.Known{
				Property: f.Property, Scenario: f.Scenario, Participants: f.Participants, Plan: f.Plan, Also: f.Also,
				Reason: "keys come in May", Owner: "payments", Expires: "2099-01-31",
			})
		}
		if err := r.Hold(b, nil, results.Replays{}, samples.Started); err != nil {
			t.Fatal(err)
		}
		all[name] = r
	}
	return all
}

// let are runs that are not green, and of which --fail-on lets everything through.
func let(t *testing.T) map[string]*results.Run {
	t.Helper()
	all := map[string]*results.Run{}
	for name, r := range notGreen() {
		if err := r.Hold(nil, []string{"violation"}, results.Replays{}, samples.Started); err != nil {
			t.Fatal(err)
		}
		all[name+", let through"] = r
	}
	return all
}

// TestFormatsAgreeWithTheVerdict: no format of a run that passed, or whose findings are known, holds a failure or a
// warning; each of every other run holds one, whatever its exit code.
func TestFormatsAgreeWithTheVerdict(t *testing.T) {
	all := tolerated(t)
	for name, r := range all {
		if r.Summary.Exit != 0 || !r.Green() {
			t.Fatalf("%s: %+v", name, r.Summary)
		}
	}
	maps.Copy(all, notGreen())
	maps.Copy(all, let(t))
	all["a violation"], all["an engine that did not start"] = samples.Red(), samples.Compared()
	for name, r := range all {
		fine := r.Green()
		for format, f := range formats() {
			got := written(t, f.write, r)
			if red := f.red.Match(got); red == fine {
				t.Errorf("%s of a run with %s (%s) holds a failure or a warning: %v\n%s", format, name, r.Summary.Outcome, red, got)
			}
		}
	}
}

// The list of cells says of a first try that it was run again, and not that it passed.
func TestFirstTriesAreRunAgain(t *testing.T) {
	got := string(written(t, reports.HTML, tried(samples.Pass("duplicate-effect", 1)).Finish()))
	if strings.Count(got, "○ its fault did not fire: run again") != 1 {
		t.Error(got)
	}
}

// What was broken only beside others stands where its harm puts it, among the others: money before a key.
func TestWhatIsBrokenBesideStandsByItsHarm(t *testing.T) {
	m := samples.Meta()
	m.Properties = []checkers.Doc{{Name: "double-credit"}, {Name: "duplicate-effect"}, {Name: "key-misuse"}}
	c := results.New(m)
	var broken []checkers.Verdict
	for _, d := range m.Properties {
		h := samples.LostAnswer()
		v := samples.Duplicate(h)
		v.Property = d.Name
		broken = append(broken, v)
	}
	c.Add(results.CellInfo{ID: "c1"}, samples.LostAnswer(), broken)
	r := c.Finish()
	if len(r.Failures) == 0 || r.Failures[0].Property == "double-credit" || len(r.Beside) == 0 {
		t.Fatalf("failures %d, beside %d", len(r.Failures), len(r.Beside))
	}
	for format, head := range map[string]*regexp.Regexp{"Markdown": regexp.MustCompile(`(?m)^### ([a-z-]+) in `), "HTML": regexp.MustCompile(`id="finding-([a-z-]+)-order-`)} {
		write := map[string]func(io.Writer, *results.Run) error{"Markdown": reports.Markdown, "HTML": reports.HTML}[format]
		var got []string
		for _, x := range head.FindAllStringSubmatch(string(written(t, write, r)), -1) {
			got = append(got, x[1])
		}
		if want := []string{"double-credit", "duplicate-effect", "key-misuse"}; !slices.Equal(got, want) {
			t.Errorf("%s tells %q, want %q", format, got, want)
		}
	}
}
