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

// untold tells of plans that broke something, and that the pattern of -run left out. It fails the test where no plan goes by
// the name that the pattern asks for: a plan that holds by now may be asked for, one that is none proves nothing.
func (e *exploration) untold(run *results.Run, plans int) {
	e.t.Helper()
	switch name := e.t.Name(); {
	case plans == 0:
	case e.asksForNone(run):
		e.t.Errorf("sagatest: none of the plans goes by the name that -run asks for, and %d of them break something: go test -run '^%s$'", plans, name)
	default:
		e.t.Logf("%d more plans break something, which -run leaves out: go test -run '^%s$'", plans, name)
	}
}

// asksForNone tells whether the pattern of -run has a part for the plans of this test that matches none which ran. Of
// patterns with alternatives this is not told.
func (e *exploration) asksForNone(run *results.Run) bool {
	f := flag.Lookup("test.run")
	if f == nil || strings.Contains(f.Value.String(), "|") {
		return false
	}
	parts, depth := strings.Split(f.Value.String(), "/"), strings.Count(e.t.Name(), "/")+1
	if len(parts) <= depth {
		return false
	}
	name := func(s string) string { return strings.ReplaceAll(s, " ", "_") } // as testing has them
	pattern, err := regexp.Compile(name(parts[depth]))
	return err == nil && !slices.ContainsFunc(run.Cells, func(c results.Cell) bool { return pattern.MatchString(name(c.Plan)) })
}

// report makes a subtest of each plan that failed, the smallest of each property first, and
// fails the test for what could not be judged.
func (e *exploration) report() {
	e.t.Helper()
	smallest := e.smallest()
	shown, told := map[string]bool{}, 0
	tell := func(f failure, text func(t *testing.T) string) {
		e.t.Run(f.plan.String(), func(t *testing.T) {
			told++
			t.Error(text(t) + f.keep(t))
		})
	}
	for _, property := range slices.Sorted(maps.Keys(smallest)) {
		f := smallest[property]
		if shown[f.plan.ID()] {
			continue
		}
		shown[f.plan.ID()] = true
		tell(f, func(t *testing.T) string { return f.story(t.Name()) })
	}
	for _, f := range e.failed {
		if shown[f.plan.ID()] {
			continue
		}
		tell(f, func(*testing.T) string {
			var lines []string
			for _, v := range f.broken {
				lines = append(lines, fmt.Sprintf("%s: %s", v.Property, v.Witnesses[0].Broken))
				if least := smallest[v.Property]; least.plan.ID() != f.plan.ID() {
					lines[len(lines)-1] += fmt.Sprintf(" (the smallest plan that shows it: %s)", least.plan)
				}
			}
			return strings.Join(lines, "\n")
		})
	}
	run := e.collector.Finish()
	e.untold(run, len(e.failed)-told)
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
