package results

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
)

// What may fail a run beside new violations, errors and an interruption, which do.
const (
	FailInconclusive = "inconclusive"
	FailVacuous      = "vacuous"
	FailIncomplete   = "incomplete"
	FailGone         = "gone" // the baseline has a finding that is gone
)

// LetFlaky among them lets new violations through that did not come back in each replay.
const LetFlaky = "not-flaky"

// Flaky is what such findings are called.
const Flaky = "flaky"

// FailDefault is what fails a run unless its user says otherwise.
func FailDefault() []string {
	return []string{FailInconclusive, FailVacuous, FailIncomplete}
}

// ParseFailOn reads a list of what fails a run: these words, "default" for those that do anyhow, and
// "violation", which stands in each list. The default is nil.
func ParseFailOn(list []string) ([]string, error) {
	all := append(FailDefault(), FailGone, LetFlaky)
	out := []string{string(Violated)}
	for _, word := range list {
		switch {
		case word == "default":
			out = union(out, FailDefault())
		case slices.Contains(all, word):
			out = union(out, []string{word})
		case word != string(Violated):
			return nil, fmt.Errorf("%q: expected default, violation, %s", word, strings.Join(all, ", "))
		}
	}
	if len(list) == 0 || slices.Equal(out, union(FailDefault(), []string{string(Violated)})) {
		return nil, nil
	}
	return out, nil
}

// Fails tells whether something fails the run.
func (g *Gate) Fails(what string) bool {
	if g == nil || g.FailOn == nil {
		return slices.Contains(FailDefault(), what)
	}
	return slices.Contains(g.FailOn, what)
}

// letThrough tells whether a finding does not fail the run, although nobody has accepted it: its witness proves
// it, so that takes a word of its own. One that was to be mended by now is never let through.
func (g *Gate) letThrough(j Judged) bool {
	return j.Standing == Fresh && j.Flaky() && g.Fails(LetFlaky)
}

// violationFails tells whether a property was broken in a way that fails the run. What is not among the
// findings does.
func (r *Run) violationFails() bool {
	return r.Gate == nil || slices.ContainsFunc(r.Properties, func(p Property) bool {
		return !p.Advice && p.Verdict == checkers.Violation && !r.excused(p.Name)
	})
}

// news says of findings that fail the run what their stories don't: that they were known, that they
// seldom come back.
func (g *Gate) news() (why []string) {
	if g == nil {
		return nil
	}
	for _, j := range g.Findings {
		switch {
		case j.Standing == Expired:
			why = append(why, "expired: "+j.Text()+": it was to be mended"+j.Said())
		case j.Standing == Fresh && j.Flaky():
			why = append(why, "flaky: "+j.Text()+fmt.Sprintf(": %d of %d replays broke it again", j.Reproduced.Hits, j.Reproduced.Tries))
		}
	}
	return why
}

// known says which findings the baseline knows.
func (g *Gate) known() (why []string) {
	if g == nil {
		return nil
	}
	for _, j := range g.Findings {
		if j.Standing == Accepted {
			why = append(why, "known: "+j.Text()+j.Said())
		}
	}
	return why
}

// gone says which findings of the baseline are not there any more.
func (g *Gate) gone() (why []string) {
	if g == nil {
		return nil
	}
	for _, j := range g.Findings {
		if j.Standing == Gone {
			why = append(why, fmt.Sprintf("gone: %s%s: remove it from %s, or run with --baseline-update", j.Text(), j.again(), g.Baseline))
		}
	}
	return why
}

// untried says which findings of the baseline a cell had the plan of and did not show, and that nobody knows
// whether they are gone.
func (g *Gate) untried() (why []string) {
	if g == nil {
		return nil
	}
	for _, j := range g.Findings {
		if j.Standing == NotTried && j.NotReplayed != "" {
			why = append(why, "it did not show, which proves nothing: "+j.Text()+j.Said())
		}
	}
	return why
}

// Said is what people said of a known finding, and how often it comes back.
func (j Judged) Said() string {
	s := fmt.Sprintf(" (%s; %s, until %s)", j.Reason, j.Owner, j.Expires)
	return s + j.again()
}

// again is how often a finding came back, or why nobody knows.
func (j Judged) again() string {
	switch {
	case j.Flaky():
		return fmt.Sprintf(", flaky: %d of %d replays", j.Reproduced.Hits, j.Reproduced.Tries)
	case j.Reproduced != nil:
		return fmt.Sprintf(", %d of %d replays", j.Reproduced.Hits, j.Reproduced.Tries)
	case j.NotReplayed != "":
		return ", not replayed: " + j.NotReplayed
	}
	return ""
}
