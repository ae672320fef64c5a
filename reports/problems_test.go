package reports_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// placed is the red run, of scenarios of which one has a file.
func placed() *results.Run {
	r := samples.Red()
	r.Dir = "sagacheck-out/latest"
	r.Sources = []results.Source{{Scenario: "order", File: "tests/order, 100%.yaml", Line: 2, Steps: map[string]int{"charge": 7, "ship": 9}}}
	return r
}

// written is what a format makes of a run.
func written(t *testing.T, write func(io.Writer, *results.Run) error, r *results.Run) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFormatsOfCI(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(repository(t))
	got := map[string][]byte{}
	for name, write := range map[string]func(io.Writer, *results.Run) error{
		"red.sarif": reports.SARIF, "red.ctrf.json": reports.CTRF, "red.codequality.json": reports.CodeQuality,
		"red.annotations.txt": reports.Annotations, "red.summary.md": reports.Summary,
	} {
		got[name] = written(t, write, placed())
	}
	t.Chdir(here)
	for name, b := range got {
		golden(t, name, b)
	}
}

// repository is the root of one.
func repository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	return root
}

// What has no place in a file of the user's has one in a file of the run, named as the repository names it, from
// wherever the run began.
func TestPlacesAreNamedFromTheRootOfTheRepository(t *testing.T) {
	tests := filepath.Join(repository(t), "tests")
	if err := os.Mkdir(tests, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(tests)
	for format, write := range map[string]func(io.Writer, *results.Run) error{"SARIF": reports.SARIF, "code quality": reports.CodeQuality} {
		got := string(written(t, write, placed()))
		for _, file := range []string{"report.md", "failures/duplicate-effect-single-step-c21.yaml"} {
			if !strings.Contains(got, `"tests/sagacheck-out/latest/`+file+`"`) {
				t.Errorf("%s does not name %s from the root:\n%s", format, file, got)
			}
		}
	}
}

// The schema is that of the format's repository, under its licence.
func TestCTRFFitsItsSchema(t *testing.T) {
	b, err := os.ReadFile("testdata/ctrf/ctrf.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := validator.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	compiler := validator.NewCompiler()
	if err := compiler.AddResource("ctrf.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("ctrf.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*results.Run{placed(), samples.OneCause(), samples.Compared(), results.New(results.Meta{}).Finish()} {
		value, err := validator.UnmarshalJSON(bytes.NewReader(written(t, reports.CTRF, r)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Error(err)
		}
	}
}

// What consumers of SARIF and of code quality ask for: a rule and a place for each result, one fingerprint each.
func TestResultsHavePlacesAndFingerprints(t *testing.T) {
	for _, r := range append(slices.Collect(maps.Values(notGreen())), placed(), samples.OneCause(), samples.Red()) {
		var log struct {
			Runs []struct {
				Tool struct {
					Driver struct{ Rules []struct{ ID string } }
				}
				Results []struct {
					RuleID              string
					RuleIndex           int
					Level               string
					Message             struct{ Text string }
					PartialFingerprints map[string]string
					Locations           []struct {
						PhysicalLocation struct {
							ArtifactLocation struct{ URI string }
							Region           struct{ StartLine int }
						}
					}
				}
			}
		}
		if err := json.Unmarshal(written(t, reports.SARIF, r), &log); err != nil {
			t.Fatal(err)
		}
		var entries []struct{ Fingerprint string }
		if err := json.Unmarshal(written(t, reports.CodeQuality, r), &entries); err != nil {
			t.Fatal(err)
		}
		if n := len(log.Runs[0].Results); n == 0 || n != len(entries) {
			t.Fatalf("%d results, %d entries", n, len(entries))
		}
		seen := map[string]bool{}
		for i, x := range log.Runs[0].Results {
			rules := log.Runs[0].Tool.Driver.Rules
			if x.RuleIndex >= len(rules) || rules[x.RuleIndex].ID != x.RuleID || x.Message.Text == "" {
				t.Errorf("%s has rule %d of %d, and says %q", x.RuleID, x.RuleIndex, len(rules), x.Message.Text)
			}
			id := x.PartialFingerprints["sagacheckKey/v1"]
			if len(id) != 32 || seen[id] || entries[i].Fingerprint != id {
				t.Errorf("%s has the fingerprint %q", x.RuleID, id)
			}
			seen[id] = true
			if len(x.Locations) != 1 || x.Locations[0].PhysicalLocation.ArtifactLocation.URI == "" || x.Locations[0].PhysicalLocation.Region.StartLine < 1 {
				t.Errorf("%s is at %+v", x.RuleID, x.Locations)
			}
		}
	}
}

// notGreen are runs that are not green, each for another reason.
func notGreen() map[string]*results.Run {
	inconclusive := checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "x"}
	all := map[string]*results.Run{"a matrix": samples.Section("mutants")}
	all["a matrix"].Mutants = samples.AllKilled()
	all["a matrix"].Mutants.Defects = samples.Survivors()
	all["a matrix"].Judge()
	for name, fill := range map[string]func(c *results.Collector){
		"nothing":     func(*results.Collector) {},
		"interrupted": func(c *results.Collector) { c.Interrupt() },
		"vacuous": func(c *results.Collector) {
			c.Add(results.CellInfo{}, samples.Quiet("a", "c1"), []checkers.Verdict{samples.Vacuous("duplicate-effect")})
		},
		"inconclusive": func(c *results.Collector) {
			c.Add(results.CellInfo{}, samples.Quiet("a", "c1"), []checkers.Verdict{inconclusive})
		},
		"a fault did not fire": func(c *results.Collector) {
			c.Add(results.CellInfo{}, samples.Unfired(samples.LostAnswer()), []checkers.Verdict{samples.Pass("duplicate-effect", 1)})
		},
		"not judged": func(c *results.Collector) { c.Add(results.CellInfo{}, samples.Quiet("a", "c1"), nil) },
		"an error":   func(c *results.Collector) { c.AddError(results.CellInfo{}, errors.New("no disk")) },
		"two errors": func(c *results.Collector) {
			c.AddError(results.CellInfo{}, errors.New("no disk"))
			c.AddError(results.CellInfo{}, errors.New("no network"))
		},
		"left out": func(c *results.Collector) { c.LeftOut("--max-time", 3) },
		"an invariant that was true in no saga": func(c *results.Collector) {
			h := samples.Quiet("a", "c1")
			h.Events = append(h.Events, history.Event{Kind: history.InvariantChecked, Invariant: "shipped", When: "sometimes"})
			c.Add(results.CellInfo{}, h, []checkers.Verdict{samples.Pass("duplicate-effect", 1), samples.Pass("lost-compensation", 1), samples.Pass("breaker-violation", 1)})
		},
		"not applicable": func(c *results.Collector) {
			var all []checkers.Verdict
			for _, d := range samples.Docs() {
				all = append(all, samples.NotApplicable(d.Name, "it has none"))
			}
			c.Add(results.CellInfo{}, samples.Quiet("a", "c1"), all)
		},
	} {
		c := results.New(samples.Meta())
		fill(c)
		all[name] = c.Finish()
	}
	return all
}

// TestNoGreenFormat: whatever shows a run that is not green shows that.
func TestNoGreenFormat(t *testing.T) {
	for name, r := range notGreen() {
		if r.Summary.Exit == 0 {
			t.Fatalf("%s is green", name)
		}
		for format, want := range map[string]struct {
			write func(io.Writer, *results.Run) error
			text  string
		}{
			"SARIF":        {reports.SARIF, `"ruleIndex"`},
			"CTRF":         {reports.CTRF, `"status": "failed"`},
			"code quality": {reports.CodeQuality, `"fingerprint"`},
			"annotations":  {reports.Annotations, "title="},
			"summary":      {reports.Summary, strings.ToUpper(string(r.Summary.Outcome)) + "\n"},
		} {
			if got := string(written(t, want.write, r)); !strings.Contains(got, want.text) {
				t.Errorf("%s of a run with %s looks green:\n%s", format, name, got)
			}
		}
	}
}

// Advice is told, and is neither an error nor a warning.
func TestAdviceIsANote(t *testing.T) {
	c := results.New(samples.Meta())
	h := samples.LostAnswer()
	advice := samples.Duplicate(h)
	advice.Property = "redundant-call"
	c.Add(results.CellInfo{}, h, []checkers.Verdict{samples.Pass("duplicate-effect", 1), samples.Pass("lost-compensation", 1), samples.Pass("breaker-violation", 1), advice})
	r := c.Finish()
	if r.Summary.Exit != 0 {
		t.Fatal(r.Summary)
	}
	if got := string(written(t, reports.Annotations, r)); !strings.HasPrefix(got, "::notice title=redundant-call in order (advice)::") || strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
	if got := string(written(t, reports.SARIF, r)); !strings.Contains(got, `"level": "note"`) || strings.Contains(got, `"level": "error"`) {
		t.Error(got)
	}
}

// GitHub shows ten annotations of a step: what is beyond is counted.
func TestAnnotationsAreFew(t *testing.T) {
	c := results.New(samples.Meta())
	for i := range 30 {
		h := samples.LostAnswer()
		c.Add(results.CellInfo{ID: fmt.Sprint("c", i), Plan: fmt.Sprintf("lose s%d#1@response", i)}, h, []checkers.Verdict{samples.Duplicate(h)})
	}
	got := strings.Split(strings.TrimSpace(string(written(t, reports.Annotations, c.Finish()))), "\n")
	if len(got) != 11 || got[10] != "::notice title=sagacheck::22 more problems: see report.md" {
		t.Errorf("%d annotations, the last: %s", len(got), got[len(got)-1])
	}
}

// A finding keeps its fingerprint however far it was shrunk, and says what it was shrunk to. One that is known is no error
// for that.
func TestShrinkingChangesNoFingerprint(t *testing.T) {
	const whole, smaller = "lose charge#1@response, slow ship#1@request", "lose charge#1@response"
	run := func(shrunk bool) *results.Run {
		c := results.New(samples.Meta())
		h := samples.LostAnswer()
		c.Add(results.CellInfo{ID: "c1", Plan: whole}, h, []checkers.Verdict{samples.Duplicate(h)})
		r := c.Finish()
		if shrunk {
			small := r.Failures[0]
			small.Plan, small.ShrunkFrom, small.Faults, small.Also = smaller, whole+"; 2 steps", 1, []string{"lost-compensation"}
			r.Failures = append(r.Failures, small)
			r.Judge()
		}
		return r
	}
	type result struct {
		Fingerprint, Severity, Description string
	}
	found := func(r *results.Run) (all []result) {
		if err := json.Unmarshal(written(t, reports.CodeQuality, r), &all); err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(x result) bool { return !strings.Contains(x.Description, "smallest plan") })
	}
	before, after := found(run(false)), found(run(true))
	if len(before) != 1 || len(after) != 2 || before[0].Fingerprint != after[0].Fingerprint {
		t.Fatalf("before: %+v\nafter: %+v", before, after)
	}
	if !strings.Contains(after[0].Description, "smallest plan: "+smaller+" (shrunk from "+whole+")") || !strings.HasPrefix(after[1].Description, "lost-compensation in order: ") {
		t.Errorf("it says %+v", after)
	}
	if got := string(written(t, reports.SARIF, run(true))); !strings.Contains(got, `"shrunkTo": "`+smaller+`"`) {
		t.Error(got)
	}
	b := results.NewBaseline("known.yaml")
	b.Of = "mine"
	b.Findings = []results.Known{{
		Property: "duplicate-effect", Scenario: "order", Participants: "naive", Plan: whole, Also: []string{"lost-compensation"},
		Reason: "keys come in May", Owner: "payments", Expires: "2099-01-31",
	}}
	r := run(true)
	if err := r.Hold(b, nil, results.Replays{}, samples.Started); err != nil {
		t.Fatal(err)
	}
	for _, x := range found(r) {
		if x.Severity != "info" || !strings.Contains(x.Description, "(known)") {
			t.Errorf("known: %+v", x)
		}
	}
}
