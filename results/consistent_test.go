package results_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// A report that lacks something, has a word that nobody writes or contradicts itself is refused, whatever its
// verdict says.
func TestReportThatContradictsItself(t *testing.T) {
	empty, untold := results.New(samples.Meta()).Finish(), ran(nil, []string{"a"}, []string{"b"})
	untold.Found = nil
	red, green := ran(nil, []string{"a"}, []string{"b"}), ran(nil, nil, []string{"a", "b"})
	for want, c := range map[string]struct {
		run      *results.Run
		old, now string // text of the report; empty: none, which is as it should be
	}{
		"":                           {red, "", ""},
		"results: missing":           {empty, `"results":[],`, ""},
		"failures: missing":          {empty, `"failures":[],`, ""},
		"found: missing":             {untold, "", ""},
		"totals.violated: missing":   {red, `"violated":1,`, ""},
		"results[0].cells.violation": {red, `"violation":1,`, `"violation":-1,`},
		`results[0].verdict: "violation" of duplicate-effect in order: expected "pass", by its cells`: {red, `"violation":1,`, `"violation":0,`},
		`results[0].verdict: "banana": expected one of violation`:                                     {green, `"scenario":"order","verdict":"pass"`, `"scenario":"order","verdict":"banana"`},
		`properties[0].verdict: "pass" of duplicate-effect`:                                           {red, `more than one effect","verdict":"violation"`, `more than one effect","verdict":"pass"`},
		"properties: expected duplicate-effect":                                                       {green, `"properties":[{"name":"duplicate-effect"`, `"properties":[{"name":"other"`},
		`summary.outcome: "wonderful": expected one of pass`:                                          {green, `"outcome":"pass"`, `"outcome":"wonderful"`},
		`summary.exit: 0 beside the outcome "violation"`:                                              {red, `"exit":1`, `"exit":0`},
		`summary.exit: 1 beside the outcome "pass"`:                                                   {red, `"outcome":"violation"`, `"outcome":"pass"`},
		`summary.outcome: "pass": expected another`:                                                   {red, `"outcome":"violation","exit":1`, `"outcome":"pass","exit":0`},
		"totals.events: -1: expected 0 or more":                                                       {green, `"events":`, `"events":-1,"calls":`},
		"totals: 2 cells by outcome":                                                                  {green, `"totals":{"cells":2`, `"totals":{"cells":3`},
		"totals.violated: 1: expected what the results say":                                           {green, `"passed":2,"violated":0`, `"passed":1,"violated":1`},
	} {
		b, err := json.Marshal(c.run)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if !strings.Contains(text, c.old) {
			t.Errorf("%s: no %s in %s", want, c.old, text)
		}
		path := filepath.Join(t.TempDir(), results.JSONFile)
		if err := os.WriteFile(path, []byte(strings.Replace(text, c.old, c.now, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = results.LoadReport(path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), path+": "+want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// What is broken now and was not is never the same or better, also where no finding tells of it.
func TestDiffOfAVerdictWithoutAFinding(t *testing.T) {
	now := ran(nil, []string{"a"}, nil)
	now.Found, now.Failures = nil, nil
	d, err := results.NewDiff(ran(nil, nil, []string{"a"}), now)
	if err != nil {
		t.Fatal(err)
	}
	if d.Exit != results.ExitViolation || len(d.Verdicts) != 1 || d.Verdicts[0].Now != checkers.Violation {
		t.Errorf("exit %d, %q, %v", d.Exit, d.Reasons, d.Verdicts)
	}
}
