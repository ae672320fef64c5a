package sagatest

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// report makes a subtest of each plan that failed, the smallest of each property first, and
// fails the test for what could not be judged.
func (e *exploration) report() {
	e.t.Helper()
	smallest := e.smallest()
	shown := map[string]bool{}
	for _, property := range slices.Sorted(maps.Keys(smallest)) {
		f := smallest[property]
		if shown[f.plan.ID()] {
			continue
		}
		shown[f.plan.ID()] = true
		e.t.Run(f.plan.String(), func(t *testing.T) { t.Error(f.story(t.Name()) + f.keep(t)) })
	}
	for _, f := range e.failed {
		if shown[f.plan.ID()] {
			continue
		}
		e.t.Run(f.plan.String(), func(t *testing.T) {
			var lines []string
			for _, v := range f.broken {
				lines = append(lines, fmt.Sprintf("%s: %s", v.Property, v.Witnesses[0].Broken))
				if least := smallest[v.Property]; least.plan.ID() != f.plan.ID() {
					lines[len(lines)-1] += fmt.Sprintf(" (the smallest plan that shows it: %s)", least.plan)
				}
			}
			t.Error(strings.Join(lines, "\n") + f.keep(t))
		})
	}
	run := e.collector.Finish()
	for _, c := range run.Cells {
		if c.Error != "" {
			e.t.Error("sagatest: " + c.Error)
		}
	}
	if run.Summary.Outcome != results.Passed && len(e.failed) == 0 {
		e.t.Errorf("sagatest: %s: %s", run.Summary.Outcome, strings.Join(run.Summary.Reasons, "\n\t"))
	}
	for _, line := range e.p.doubtful() {
		e.t.Errorf("sagatest: %s: %s", results.Inconclusive, line)
	}
	e.t.Log(e.summary(run))
}

// smallest is the smallest failure of each property that was broken.
func (e *exploration) smallest() map[string]failure {
	least := map[string]failure{}
	for _, f := range e.failed {
		for _, v := range f.broken {
			before, known := least[v.Property]
			if !known || f.compare(before, v.Property) < 0 {
				least[v.Property] = f
			}
		}
	}
	for property, f := range least {
		least[property] = e.shrink(f, property)
	}
	return least
}

// compare puts the smaller plan first, and then the smaller witness of a property.
func (f failure) compare(g failure, property string) int {
	size := func(f failure) int {
		for _, v := range f.broken {
			if v.Property == property {
				return len(v.Witnesses[0].Events)
			}
		}
		return 0
	}
	return cmp.Or(cmp.Compare(len(f.plan.Faults), len(g.plan.Faults)), cmp.Compare(size(f), size(g)))
}

// story says what a plan broke, with the events that prove it.
func (f failure) story(name string) string {
	var b strings.Builder
	for _, v := range f.broken {
		w := v.Witnesses[0]
		fmt.Fprintf(&b, "%s: %s\n%s", v.Property, w.Broken, reports.StoryText(results.Tell(f.history, w)))
		if c, ok := checkers.ByName(v.Property); ok {
			fmt.Fprintf(&b, "what prevents it: %s\n", c.Doc().Prevented)
		}
	}
	if f.shrunk != "" {
		fmt.Fprintf(&b, "smaller than the plan that found it: %s\n", f.shrunk)
	}
	fmt.Fprintf(&b, "plan: %s\nagain: go test -run '%s'", f.plan, pattern(name))
	return b.String()
}

// keep saves the history where go test keeps artifacts (-artifacts), and says how it is judged
// again; empty: it keeps none.
func (f failure) keep(t *testing.T) string {
	t.Helper()
	if kept := flag.Lookup("test.artifacts"); kept == nil || kept.Value.String() != "true" {
		return ""
	}
	file := filepath.Join(t.ArtifactDir(), f.plan.ID()+history.Extension)
	if err := f.history.Save(file); err != nil {
		return "\n" + err.Error()
	}
	return "\nhistory: sagacheck check " + file
}

// pattern is what -run takes for the full name of a test.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// summary is the exploration in a few lines.
func (e *exploration) summary(r *results.Run) string {
	judged := 0
	for _, p := range r.Properties {
		if p.Verdict == checkers.Pass || p.Verdict == checkers.Violation {
			judged++
		}
	}
	s := fmt.Sprintf("%s ran, %s, %d of %s fired, %s judged; %s of virtual time in %s",
		words.Plural(r.Totals.Cells, "plan"), words.Plural(r.Totals.Calls, "call"), r.Totals.FaultsFired, words.Plural(r.Totals.FaultsPlanned, "planned fault"),
		fmt.Sprintf("%d properties", judged), e.virtual.Round(time.Second), time.Since(e.began).Round(time.Millisecond))
	if n := len(e.p.flow.Invariants); n > 0 {
		s += fmt.Sprintf("\nleft out: %s of the workflow's file", words.Plural(n, "invariant"))
	}
	for _, what := range slices.Sorted(maps.Keys(e.p.unjudged)) {
		s += "\nleft out: " + what
	}
	for _, why := range slices.Sorted(maps.Keys(e.leftOut)) {
		s += fmt.Sprintf("\nleft out: %s: %s", words.Plural(e.leftOut[why], "plan"), why)
	}
	return s
}
