package reports

import (
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

// untold are the failures that a reader doesn't know of: all but those of the baseline.
func untold(r *results.Run) []results.Failure {
	return slices.DeleteFunc(slices.Clone(r.Failures), func(f results.Failure) bool {
		j, ok := r.StandingOf(f)
		return ok && !j.Failing()
	})
}

// standing is how the finding of a failure stands, in a few words; empty: there is nothing to say.
func standing(r *results.Run, f results.Failure) string {
	j, ok := r.StandingOf(f)
	if !ok {
		return ""
	}
	return standingText(j)
}

// standingText is how a finding stands, in a few words.
func standingText(j results.Judged) string {
	s := ""
	switch j.Standing {
	case results.Accepted:
		s = fmt.Sprintf("known: %s (%s, until %s)", j.Reason, j.Owner, j.Expires)
	case results.Expired:
		s = fmt.Sprintf("expired: known until %s: %s (%s)", j.Expires, j.Reason, j.Owner)
	}
	if j.Flaky() {
		s = join(s, fmt.Sprintf("flaky: %d of %d replays", j.Reproduced.Hits, j.Reproduced.Tries))
	}
	return s
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// again is how often a failure came back in replays, or why nobody knows; empty: nobody asked.
func again(r *results.Run, f results.Failure) string {
	j, _ := r.StandingOf(f)
	switch {
	case flaky(f):
		return fmt.Sprintf("%d of %d replays: flaky", f.Reproduced.Hits, f.Reproduced.Tries)
	case f.Reproduced != nil:
		return fmt.Sprintf("%d of %d replays", f.Reproduced.Hits, f.Reproduced.Tries)
	case j.NotReplayed != "" && j.Key == r.KeyOf(f):
		return "not replayed: " + j.NotReplayed
	}
	return ""
}

// flaky tells whether a failure did not come back in each replay.
func flaky(f results.Failure) bool {
	return f.Reproduced != nil && f.Reproduced.Hits < f.Reproduced.Tries
}

// flakyOnly tells whether a property was violated in a scenario, and none of the findings there came back in each replay.
func flakyOnly(r *results.Run, res results.Result) bool {
	list := r.Standings(res.Property, res.Scenario)
	return res.Verdict == checkers.Violation && len(list) > 0 && !slices.ContainsFunc(list, func(j results.Judged) bool { return !j.Flaky() })
}

// gateCounts counts the findings by how they stand to a baseline.
func gateCounts(r *results.Run) (parts []string) {
	if r.Gate == nil || r.Gate.Baseline == "" {
		return nil
	}
	n := map[results.Standing]int{}
	for _, j := range r.Gate.Findings {
		n[j.Standing]++
	}
	for _, s := range []struct {
		results.Standing
		text string
	}{
		{results.Fresh, "new"},
		{results.Expired, "expired"},
		{results.Accepted, "known"},
		{results.Gone, "gone"},
		{results.NotTried, "known and not tried"},
	} {
		if n[s.Standing] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s.Standing], s.text))
		}
	}
	return parts
}
