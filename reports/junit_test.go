package reports_test

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	r := samples.Red()
	r.Failures[0].Story.Lines[0].Text += " \x00 ]]> &" // what XML can't carry must not break it
	if err := reports.JUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "red.junit.xml", b.Bytes())
	var parsed struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Class   string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	dec := xml.NewDecoder(&b)
	if err := dec.Decode(&parsed); err != nil {
		t.Fatal(err)
	}
	var tests, failures, errors, skipped int
	for _, s := range parsed.Suites {
		for _, c := range s.Cases {
			tests++
			if c.Class != s.Name {
				t.Errorf("case %s has class %q in suite %q", c.Name, c.Class, s.Name)
			}
			switch {
			case c.Failure != nil:
				failures++
			case c.Error != nil:
				errors++
			case c.Skipped != nil:
				skipped++
			}
		}
	}
	if tests != parsed.Tests || failures != parsed.Failures || errors != parsed.Errors || skipped != parsed.Skipped {
		t.Errorf("counted %d %d %d %d, the file says %d %d %d %d", tests, failures, errors, skipped, parsed.Tests, parsed.Failures, parsed.Errors, parsed.Skipped)
	}
	if failures == 0 || errors == 0 || skipped == 0 {
		t.Errorf("a red run shows %d failures, %d errors, %d skipped", failures, errors, skipped)
	}
}

// TestNoGreenJUnit: a run that is not green has a failure or an error.
func TestNoGreenJUnit(t *testing.T) {
	inconclusive := checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "x"}
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
	} {
		c := results.New(samples.Meta())
		fill(c)
		var b bytes.Buffer
		if err := reports.JUnit(&b, c.Finish()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "<failure") && !strings.Contains(b.String(), "<error") {
			t.Errorf("%s looks green:\n%s", name, b.String())
		}
	}
}
