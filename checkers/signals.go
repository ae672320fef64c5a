package checkers

import (
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// signals are what an orchestrator said about itself in a history.
type signals struct {
	h      *history.History
	heard  map[string]*history.Event // what was listened to
	before map[string]*history.Event // metrics
	after  map[string]*history.Event
	spans  map[string]*history.Event // by id
	lines  []*history.Event          // of the log
	kills  []*history.Event
	full   []span // times in which the store was away: the log may be on the same full disk
	pauses int
	lag    time.Duration
}

func newSignals(h *history.History, ix *history.Index) *signals {
	s := &signals{
		h: h, lag: ix.Lag, heard: map[string]*history.Event{}, before: map[string]*history.Event{}, after: map[string]*history.Event{},
		spans: map[string]*history.Event{},
	}
	for _, e := range ix.Signals {
		switch g := e.Signal; {
		case g.Heard != "":
			s.heard[g.Heard] = e
		case g.Metric != "" && g.Before:
			s.before[g.Metric] = e
		case g.Metric != "":
			s.after[g.Metric] = e
		case g.Span != "":
			s.spans[g.Span] = e
		default:
			s.lines = append(s.lines, e)
		}
	}
	for i := range h.Events {
		switch e := &h.Events[i]; e.Kind {
		case history.ProcessKilled:
			s.kills = append(s.kills, e)
		case history.ProcessPaused:
			s.pauses++
		case history.FaultFired:
			if h.CutsStore(*e.Fault) {
				s.full = append(s.full, span{from: e.At, to: math.MaxInt64})
			}
		case history.FaultHealed:
			if n := len(s.full); h.CutsStore(*e.Fault) && n > 0 {
				s.full[n-1].to = e.At + afterglow
			}
		}
	}
	return s
}

func (s *signals) has(capability string) bool {
	return slices.Contains(s.h.Header.Orchestrator.Capabilities, capability)
}

// grew is by how much a metric grew; not ok: it was not looked at twice.
func (s *signals) grew(metric string) (n float64, ok bool) {
	before, after := s.before[metric], s.after[metric]
	if before == nil || after == nil {
		return 0, false
	}
	return after.Signal.Value - before.Signal.Value, true
}

// span is a time, since the cell began.
type span struct{ from, to time.Duration }

// unwritten tells whether what happened in a time may be missing in the log, because there
// was no room for it.
func (s *signals) unwritten(from, to time.Duration) bool {
	return slices.ContainsFunc(s.full, func(f span) bool { return from <= f.to && to >= f.from })
}

// afterglow is how long after an answer an orchestrator may take until it has said what
// came of the attempt: what it was killed before is not held against it.
const afterglow = time.Second

// cut tells whether a kill may have kept the orchestrator from saying anything of an
// attempt.
func (s *signals) cut(a *history.Attempt) bool {
	return slices.ContainsFunc(s.kills, func(k *history.Event) bool {
		return a.Sent.Seq < k.Seq && (a.Ended == nil || k.At < a.Ended.At+afterglow+s.lag)
	})
}

// killedAfter tells whether the orchestrator was killed after an attempt had been sent.
func (s *signals) killedAfter(a *history.Attempt) bool {
	return slices.ContainsFunc(s.kills, func(k *history.Event) bool { return a.Sent.Seq < k.Seq })
}

// line finds a line about an operation.
func (s *signals) line(op saga.Operation) *history.Event {
	for _, l := range s.lines {
		if l.Operation() == op {
			return l
		}
	}
	return nil
}

// unheard is why something can't be judged in a cell.
func unheard(h *history.History, what string) string {
	if h.Header.Workflow != "" {
		return unpromised(what)
	}
	if !slices.ContainsFunc([]string{"metrics", "traces", "logs"}, func(c string) bool { return slices.Contains(h.Header.Orchestrator.Capabilities, c) }) {
		return "nobody has said how to hear what the system says about itself (telemetry, in a manifest)"
	}
	return "the orchestrator's " + what + " were not heard in any cell: they are in cells that have an orchestrator of their own"
}
