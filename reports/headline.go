package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// Headline is the run in one line, but for its verdict.
func Headline(r *results.Run) string {
	t := r.Totals
	var parts []string
	if r.Mutants != nil {
		parts = append(parts, mutantHeadline(r.Mutants))
	}
	if r.Comparison != nil {
		parts = append(parts, comparisonHeadline(r.Comparison))
	}
	if t.Cells > 0 || len(parts) == 0 {
		ran, planned := plans(r)
		n := words.Plural(ran, "cell")
		if planned > ran {
			n = fmt.Sprintf("%d of %s", ran, words.Plural(planned, "planned cell"))
		}
		if t.Repeated > 0 {
			n += fmt.Sprintf(" and %d run again", t.Repeated)
		}
		if t.Alone > 0 {
			n += fmt.Sprintf(" and %d once more, alone", t.Alone)
		}
		parts = append(parts, n)
	}
	count := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	count(t.Violated, "violated")
	if n, of := r.Findings(); n > 0 {
		text := words.Plural(n, "finding")
		if of < n {
			text += " of " + words.Plural(of, "property")
		}
		parts = append(parts, text)
	}
	parts = append(parts, gateCounts(r)...)
	count(t.Errors, "in error")
	count(t.Inconclusive, "inconclusive")
	count(t.Vacuous, "vacuous")
	if t.Cells > 0 && (t.FaultsPlanned > 0 || t.Probes == 0) {
		parts = append(parts, fmt.Sprintf("%d of %s fired", t.FaultsFired, words.Plural(t.FaultsPlanned, "planned fault")))
	}
	if t.Probes > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s hit", t.Probes-t.Missed, words.Plural(t.Probes, "probe")))
	}
	if t.NotKept > 0 {
		parts = append(parts, "histories of "+words.Plural(t.NotKept, "green cell")+" not kept")
	}
	if who := system(r); who != "" && r.Comparison == nil {
		parts = append(parts, who)
	}
	if r.Seed != 0 {
		parts = append(parts, fmt.Sprintf("seed %d", r.Seed))
	}
	if r.Shard != nil && r.Shard.Merged == 0 {
		parts = append(parts, fmt.Sprintf("shard %d/%d", r.Shard.I, r.Shard.N))
	}
	d := time.Duration(r.DurationMS) * time.Millisecond
	return strings.Join(append(parts, d.Round(100*time.Millisecond).String()), " · ")
}

// plans are how many plans ran, each as one cell, and how many were to: what runs once more, alone, is counted apart, so that
// the end of a run speaks of as many as its beginning.
func plans(r *results.Run) (ran, planned int) {
	return r.Totals.Cells - r.Totals.Alone, r.Planned - r.Alone
}

// system names the orchestrator and the participants.
func system(r *results.Run) string {
	who := strings.TrimSpace(r.Orchestrator.Name + " " + r.Orchestrator.Version)
	if r.Profile != "" {
		who += " with " + r.Profile + " participants"
	}
	return strings.TrimSpace(who)
}
