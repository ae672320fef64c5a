package campaign

import (
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
)

// Histories are judged by the properties that their run was judged by, unless others are asked for.
func TestCheckJudgesWhatTheRunJudged(t *testing.T) {
	o := drawnRun(t, 2)
	o.Properties = []string{"key-misuse"}
	ran, err := Run(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := ran.Run.MarkEnd(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		asked []string
		want  int
	}{{nil, 1}, {[]string{"*"}, len(checkers.All())}} {
		checked, err := Check(t.Context(), testHost(), CheckOptions{Paths: []string{ran.Dir}, Properties: c.asked, Out: o.Out})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(checked.Run.Properties); n != c.want {
			t.Errorf("--property %v: judged by %d properties, expected %d", c.asked, n, c.want)
		}
	}
}
