package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// MissingLog finds attempts and ends of sagas of which the orchestrator's log has no line.
//
// Source: practice; one life of a saga is one query. Evidence: call-sent and call-ended,
// saga-status; telemetry events with lines. Lines are counted by their numbers of attempts,
// since an orchestrator may count attempts that the wire never saw. Cost: linear in attempts
// and lines.
type MissingLog struct{}

var _ Checker = MissingLog{}

// The clauses of missing-log.
const (
	logAttempt = "attempt"
	logEnd     = "end"
)

// Doc documents the checker.
func (MissingLog) Doc() Doc {
	return Doc{
		Name:       "missing-log",
		Definition: "An attempt was made, or a saga has ended, and the orchestrator's log does not say so.",
		Source:     "practice: one life of a saga is one query",
		Clauses: []Clause{
			{Name: logAttempt, Text: "each attempt of an operation has a line with its saga, step, direction and number"},
			{Name: logEnd, Text: "the end of a saga has a line that says how it ended"},
		},
		Evidence:  "call-sent, call-ended, saga-status, and telemetry (lines of the log).",
		Prevented: "Logging each attempt and end where it is stored, and again after a kill what may be missing.",
		Blind:     "Attempts that were answered less than a second before a kill, or before the store was away, and ends with nothing but a kill after the last call; what else a line says; the order of lines.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{history.HasLogs},
	}
}

// Check judges a history.
func (c MissingLog) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	s := newSignals(h, ix)
	heard := s.heard[history.HasLogs]
	if heard == nil {
		for _, k := range t.doc.Clauses {
			t.lacks(k.Name, "%s", unheard(h, "logs"))
		}
		return t.verdict(unheard(h, "logs"))
	}
	said, ends := map[saga.Operation]map[int]bool{}, map[string]bool{}
	for _, l := range s.lines {
		if l.Attempt > 0 {
			if said[l.Operation()] == nil {
				said[l.Operation()] = map[int]bool{}
			}
			said[l.Operation()][l.Attempt] = true
		}
		if l.Status != "" {
			ends[l.Saga+" "+string(l.Status)] = true
		}
	}
	for _, r := range ix.Sagas {
		for _, o := range allOpsOf(r) {
			judgeLines(t, s, o, len(said[o.Op]))
		}
		status := r.Status()
		switch {
		case !status.Ended() && status != saga.Stuck:
		case ends[r.ID+" "+string(status)]:
			t.held(logEnd, 1)
		case killedAtTheEnd(s, r):
			t.unjudgeable(logEnd, "the orchestrator was killed after the last call")
		case len(r.Calls) == 0, s.unwritten(r.Calls[len(r.Calls)-1].At, r.Reports[len(r.Reports)-1].At):
			t.unjudgeable(logEnd, noRoom)
		default:
			t.violate(logEnd, action(r, ""), []*history.Event{r.Reports[len(r.Reports)-1], heard}, "broke the log: saga %s is %s, and no line says so", r.ID, status)
		}
	}
	return t.verdict("no attempt was made, and no saga has ended")
}

// noRoom is why a line may be missing.
const noRoom = "the store was away, and what fills its disk keeps the log from being written"

// judgeLines judges whether there are enough lines for the attempts of an operation.
func judgeLines(t *tally, s *signals, o *history.OpRecord, lines int) {
	var sure []*history.Attempt
	for _, a := range sent(o) {
		switch {
		case s.cut(a):
			t.unjudgeable(logAttempt, "the orchestrator was killed before it must have said so")
		case a.Ended == nil, s.unwritten(a.Sent.At, a.Ended.At+afterglow):
			t.unjudgeable(logAttempt, noRoom)
		default:
			sure = append(sure, a)
		}
	}
	t.held(logAttempt, min(lines, len(sure)))
	if n := len(sure); lines < n {
		t.violate(logAttempt, o.Op, []*history.Event{sure[n-1].Sent, s.heard[history.HasLogs]}, "broke the log: %d attempts of %s were made, and it has lines of %d", n, o.Op, lines)
	}
}

// killedAtTheEnd tells whether the orchestrator was killed after it had made the last call of a
// saga: what was still under way then, it may never have heard of.
func killedAtTheEnd(s *signals, r *history.SagaRecord) bool {
	if len(s.kills) == 0 {
		return false
	}
	last := s.kills[len(s.kills)-1]
	return !slices.ContainsFunc(r.Calls, func(e *history.Event) bool { return e.Kind == history.CallSent && e.Seq > last.Seq })
}
