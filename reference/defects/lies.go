package defects

import (
	"strconv"
	"sync/atomic"

	"github.com/sagacheck/sagacheck/reference/telemetry"
	"github.com/sagacheck/sagacheck/saga"
)

// lies leave what is done as it is, and say something else about it. They show only in an
// executor that is heard: a process of its own.
var lies = []Defect{
	{
		Name: "counters-from-zero", Anomaly: "untruthful-metric", Needs: "a crash",
		Description: "counters begin at zero when the process does",
		lie:         countersFromZero,
	},
	{
		Name: "retries-count-twice", Anomaly: "untruthful-metric", Needs: "a transient error, and a crash",
		Description: "a retry is counted twice",
		lie:         retriesCountTwice,
	},
	{
		Name: "undone-counts-as-done", Anomaly: "untruthful-metric", Needs: "a rollback, and a crash",
		Description: "a saga that was compensated is counted as completed",
		lie:         undoneCountsAsDone,
	},
	{
		Name: "no-link-to-action", Anomaly: "broken-trace", Needs: "a rollback, and a crash",
		Description: "the span of a compensation does not link to that of its action",
		lie:         noLinkToAction,
	},
	{
		Name: "retries-stand-alone", Anomaly: "broken-trace", Needs: "a transient error, and a crash",
		Description: "the span of a retry is below none",
		lie:         retriesStandAlone,
	},
	{
		Name: "spans-die-with-process", Anomaly: "broken-trace", Needs: "a crash",
		Description: "what a killed process had not exported is never exported",
		lie:         spansDieWithProcess,
	},
	{
		Name: "silent-undo", Anomaly: "silent-rollback", Needs: "a rollback, and a crash",
		Description: "compensations are neither counted nor traced nor logged",
		lie:         silentUndo,
	},
	{
		Name: "silent-undo-after-restart", Anomaly: "silent-rollback", Needs: "a crash, and a rollback after it",
		Description: "neither are those of an executor that has continued sagas",
		lie:         silentUndoAfterRestart,
	},
	{
		Name: "no-line-of-retries", Anomaly: "missing-log", Needs: "a transient error, and a crash",
		Description: "only first attempts are logged",
		lie:         noLineOfRetries,
	},
	{
		Name: "no-line-at-the-end", Anomaly: "missing-log", Needs: "a crash",
		Description: "the end of a saga is not logged",
		lie:         noLineAtTheEnd,
	},
}

// overCount lays f over what is counted; false: the fact is not.
func overCount(r *telemetry.Rules, f func(c *telemetry.Counts, fact *telemetry.Fact) bool) {
	was := r.Count
	r.Count = func(c *telemetry.Counts, fact telemetry.Fact) {
		if f(c, &fact) {
			was(c, fact)
		}
	}
}

// overSpan lays f over what is exported; false: the span is not.
func overSpan(r *telemetry.Rules, f func(s *telemetry.Span) bool) {
	was := r.Span
	r.Span = func(s *telemetry.Span) bool { return f(s) && was(s) }
}

// overLine lays f over what is logged; false: the line is not.
func overLine(r *telemetry.Rules, f func(event string, about map[string]string) bool) {
	was := r.Line
	r.Line = func(event string, about map[string]string) bool { return f(event, about) && was(event, about) }
}

func countersFromZero(r *telemetry.Rules) {
	overCount(r, func(_ *telemetry.Counts, f *telemetry.Fact) bool { return !f.Replayed })
}

func retriesCountTwice(r *telemetry.Rules) {
	overCount(r, func(c *telemetry.Counts, f *telemetry.Fact) bool {
		if f.Kind == telemetry.Attempt && f.N > 1 {
			c.Take(*f)
		}
		return true
	})
}

func undoneCountsAsDone(r *telemetry.Rules) {
	overCount(r, func(_ *telemetry.Counts, f *telemetry.Fact) bool {
		if f.Kind == telemetry.Ended {
			f.Status = saga.Completed
		}
		return true
	})
}

func noLinkToAction(r *telemetry.Rules) {
	overSpan(r, func(s *telemetry.Span) bool {
		s.Links = nil
		return true
	})
}

func retriesStandAlone(r *telemetry.Rules) {
	overSpan(r, func(s *telemetry.Span) bool {
		if s.Call && s.Attempt > 1 {
			s.Parent = [8]byte{}
		}
		return true
	})
}

func spansDieWithProcess(r *telemetry.Rules) {
	overSpan(r, func(s *telemetry.Span) bool { return !s.Again })
}

func silentUndo(r *telemetry.Rules) { silence(r, func() bool { return true }) }

func silentUndoAfterRestart(r *telemetry.Rules) {
	var again atomic.Bool
	overCount(r, func(_ *telemetry.Counts, f *telemetry.Fact) bool {
		if f.Replayed {
			again.Store(true)
		}
		return true
	})
	silence(r, again.Load)
}

// silence keeps still about compensations.
func silence(r *telemetry.Rules, holds func() bool) {
	const undo = string(saga.Compensation)
	overCount(r, func(_ *telemetry.Counts, f *telemetry.Fact) bool { return !holds() || string(f.Direction) != undo })
	overSpan(r, func(s *telemetry.Span) bool { return !holds() || s.About("saga.direction") != undo })
	overLine(r, func(_ string, about map[string]string) bool { return !holds() || about["direction"] != undo })
}

func noLineOfRetries(r *telemetry.Rules) {
	overLine(r, func(_ string, about map[string]string) bool {
		n, err := strconv.Atoi(about["attempt"])
		return err != nil || n == 1
	})
}

func noLineAtTheEnd(r *telemetry.Rules) {
	overLine(r, func(event string, _ map[string]string) bool {
		return event != "saga completed" && event != "saga compensated"
	})
}
