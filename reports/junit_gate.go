package reports

import (
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/results"
)

// goneCase is the test case for findings of the baseline that are gone.
const goneCase = "known-findings-are-there"

// junitKnown says why a property that was violated in a scenario is no failure; empty: it is one.
func junitKnown(r *results.Run, res results.Result) string {
	var out []string
	for _, j := range r.Known(res) {
		out = append(out, knownText(j))
	}
	return strings.Join(out, "; ")
}

// knownText is a known finding in one line.
func knownText(j results.Judged) string { return "known: " + j.Text() + j.Said() }

// knownTexts has a line for each known finding that showed in replays only, so that its property held.
func knownTexts(r *results.Run, res results.Result) string {
	text := ""
	for _, j := range r.Standings(res.Property, res.Scenario) {
		text += knownText(j) + "\n"
	}
	return text
}

// junitType is the type of a failure: flaky where no finding came back each time.
func junitType(r *results.Run, res results.Result) string {
	steady := false
	flaky := false
	for _, j := range r.Standings(res.Property, res.Scenario) {
		if j.Failing() {
			steady, flaky = steady || !j.Flaky(), flaky || j.Flaky()
		}
	}
	if flaky && !steady {
		return results.Flaky
	}
	return string(res.Verdict)
}

// junitGone is a case where findings of the baseline are gone: a failure if that fails the run.
func junitGone(r *results.Run) []junitCase {
	if r.Gate == nil {
		return nil
	}
	var gone []string
	for _, j := range r.Gate.Findings {
		if j.Standing == results.Gone {
			gone = append(gone, j.Text()+j.Said())
		}
	}
	if len(gone) == 0 {
		return nil
	}
	c := junitCase{Name: goneCase, Class: "run", Time: "0"}
	problem := &junitProblem{
		Message: fmt.Sprintf("%d of the known findings are gone: remove them from %s", len(gone), r.Gate.Baseline), Text: strings.Join(gone, "\n") + "\n",
	}
	if r.Gate.Fails(results.FailGone) {
		problem.Type = results.FailGone
		c.Failure = problem
	} else {
		c.Skipped = problem
	}
	return []junitCase{c}
}
