package results_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

func TestComparison(t *testing.T) {
	r := samples.Compared()
	if r.Summary.Exit != 4 || !strings.Contains(r.Summary.Reasons[0], "not ready after 60s") {
		t.Errorf("an engine did not run: %+v", r.Summary)
	}
	c := r.Comparison
	for i := range c.Marks {
		if c.Marks[i].Mark == results.NotRunAtAll {
			c.Marks[i].Mark = results.Holds
		}
	}
	if r.Judge(); r.Summary.Exit != 0 {
		t.Errorf("a complete comparison: %+v", r.Summary)
	}
	c.Strict = true
	if r.Judge(); r.Summary.Exit != 1 {
		t.Errorf("a strict comparison: %+v", r.Summary)
	}
	c.Strict, c.Marks = false, c.Marks[1:]
	if r.Judge(); r.Summary.Exit != 2 || !strings.Contains(r.Summary.Reasons[0], "no mark for duplicate-effect") {
		t.Errorf("an incomplete comparison: %+v", r.Summary)
	}
}
