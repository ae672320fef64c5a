package agents

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/results"
)

// Arguments become flags, and nothing that an agent gives becomes another flag.
func TestFlags(t *testing.T) {
	no, three := false, 3
	in := runArguments{
		cellArguments:     cellArguments{Workflow: "--baseline=x", MaxTime: "9s", Property: []string{"a,b", `c"d`}},
		scenarioArguments: scenarioArguments{Shrink: &no, Scenario: []string{"order", "-h"}},
		Runs:              &three,
	}
	want := []string{"--workflow=--baseline=x", `--property="a,b"`, `--property="c""d"`, "--max-time=9s", "--scenario=order", "--scenario=-h", "--shrink=false", "--runs=3"}
	if got := flags(in); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := flags(replayArguments{File: "x"}); len(got) > 0 {
		t.Errorf("%q: a file is no flag", got)
	}
}

// A long story keeps what is marked, and what is near it.
func TestNear(t *testing.T) {
	var s results.Story
	for i := range 20 {
		l := results.Line{Text: string(rune('a' + i))}
		if i == 3 || i == 15 {
			l.Mark = results.MarkWitness
		}
		s.Lines = append(s.Lines, l)
	}
	got, leftOut := near(s, 6)
	var text strings.Builder
	for _, l := range got.Lines {
		text.WriteString(l.Text)
	}
	if text.String() != "cdeopq" || leftOut != 14 || len(s.Lines) != 20 {
		t.Errorf("%s, %d left out", text.String(), leftOut)
	}
}

// Progress only grows, over all parts of a campaign, at a pace that a client can bear; who
// reports it waits for nobody.
func TestProgressOnlyGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{changed: make(chan struct{}, 1)}
		ctx, stop := context.WithCancel(t.Context())
		var told []float64
		var last string
		go p.tell(ctx, func(done, total float64, message string) error {
			if total > 0 && done > total {
				t.Errorf("%v of %v", done, total)
			}
			told, last = append(told, done), message
			return nil
		})
		began := time.Now()
		for _, what := range []string{"cells", "replays"} {
			part := p.begin(what, 0)
			part.SetTotal(100)
			for range 100 {
				time.Sleep(10 * time.Millisecond)
				part.Done(results.Passed)
			}
			part.Finish()
		}
		time.Sleep(2 * pace)
		synctest.Wait()
		stop()
		synctest.Wait()
		most := int(time.Since(began)/pace) + 1
		if !slices.IsSorted(told) || len(slices.Compact(slices.Clone(told))) != len(told) || len(told) < 3 || len(told) > most {
			t.Errorf("told: %v", told)
		}
		if told[len(told)-1] != 200 || last != "100 of 100 replays" {
			t.Errorf("at last: %v, %q", told[len(told)-1], last)
		}
	})
}

// Of each list as much is told as is said, the notes' last lines among it.
func TestNotesAreCut(t *testing.T) {
	n := &notes{}
	for i := range mostNotes + 2 {
		n.add(string(rune('a' + i)))
	}
	got, leftOut := n.all(func(s string) string { return s })
	if leftOut != 2 || len(got) != mostNotes || got[0] != "c" {
		t.Errorf("%q, %d left out", got, leftOut)
	}
}

// What can be explained comes first, one of each property before the others.
func TestFindingsThatTellMostComeFirst(t *testing.T) {
	key := func(property, plan string) results.Finding {
		return results.Finding{Key: results.Key{Property: property, Scenario: "order", Plan: plan}}
	}
	failure := func(property, plan string) results.Failure {
		return results.Failure{Property: property, Scenario: "order", Plan: plan, Verdict: "violation", File: "failures/" + plan + ".yaml"}
	}
	r := &results.Run{
		Found:    []results.Finding{key("a", "1"), key("a", "2"), key("a", "3"), key("b", "4")},
		Failures: []results.Failure{failure("a", "2"), failure("a", "3"), failure("b", "4")},
	}
	s := &server{Program: Program{Bare: func(text string) string { return text }}}
	var plans []string
	for _, f := range s.findingsOf(r) {
		plans = append(plans, f.Plan)
	}
	if want := []string{"2", "4", "3", "1"}; !slices.Equal(plans, want) {
		t.Errorf("got %q, want %q", plans, want)
	}
}
