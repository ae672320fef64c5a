package harness

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
)

// ear hears what an orchestrator says about itself while a cell runs. Spans and lines are
// told apart by what they are about. Metrics are those of a process: they are looked at
// where the cell has one of its own, before the first saga and after all have settled.
// A nil ear hears nothing.
type ear struct {
	r     *cellRun
	from  *orchestrators.Hearing
	alone bool
	mark  int64 // in the log
}

// listen begins to hear.
func (r *cellRun) listen(ctx context.Context, alone bool) (*ear, error) {
	t, ok := r.sys.(orchestrators.Talking)
	if !ok || t.Hearing() == nil {
		return nil, nil
	}
	e := &ear{r: r, from: t.Hearing(), alone: alone}
	if !alone {
		return e, nil
	}
	var err error
	if e.mark, err = e.from.Mark(); err != nil {
		return nil, err
	}
	return e, e.sample(ctx, true)
}

// sample notes the metrics.
func (e *ear) sample(ctx context.Context, before bool) error {
	if !e.from.HasMetrics() {
		return nil
	}
	samples, err := e.from.Sample(ctx)
	if err != nil {
		return fmt.Errorf("what the orchestrator says about itself: %w", err)
	}
	if !before {
		e.r.rec.Add(history.Event{Kind: history.Telemetry, Signal: &history.Signal{Heard: history.HasMetrics}})
	}
	for _, s := range samples {
		s.Signal.Before = before
		e.r.rec.Add(s)
	}
	return nil
}

// hear notes what was said of the cell, which has settled.
func (e *ear) hear(ctx context.Context) error {
	if e == nil {
		return nil
	}
	if e.alone {
		if err := e.sample(ctx, false); err != nil {
			return err
		}
		lines, err := e.from.Lines(e.mark, func(saga string) bool { return slices.Contains(e.r.ids, saga) })
		if err != nil {
			return fmt.Errorf("what the orchestrator says about itself: %w", err)
		}
		if e.from.HasLogs() {
			e.note(history.HasLogs, lines)
		}
	}
	if e.from.HasTraces() {
		spans, traces := e.spans(ctx)
		e.note(history.HasTraces, spans)
		e.from.Forget(traces)
	}
	return ctx.Err()
}

func (e *ear) note(heard string, said []history.Event) {
	e.r.rec.Add(history.Event{Kind: history.Telemetry, Signal: &history.Signal{Heard: heard}})
	for _, s := range said {
		e.r.rec.Add(s)
	}
}

// Spans are sent some time after they have ended: spanPatience bounds how long those of
// the cell are waited for, spanPause is between two looks.
const (
	spanPatience = 2 * time.Second
	spanPause    = 5 * time.Millisecond
)

// spans waits until each call has its span and each span the one above it, or until
// nobody waits any more.
func (e *ear) spans(ctx context.Context) (spans []history.Event, traces []string) {
	events, _ := e.r.rec.Since(0)
	var wanted []string
	for _, s := range events {
		if parts := strings.Split(s.Trace, "-"); s.Kind == history.CallSent && len(parts) >= 4 {
			wanted = append(wanted, parts[2])
			if !slices.Contains(traces, parts[1]) {
				traces = append(traces, parts[1])
			}
		}
	}
	patience := time.Duration(float64(spanPatience) * max(e.r.h.scale(e.r.sys), 1))
	for over := time.Now().Add(patience); ; {
		if spans = e.from.Spans(traces); complete(spans, wanted) || time.Now().After(over) {
			return spans, traces
		}
		if pause(ctx, spanPause) != nil {
			return spans, traces
		}
	}
}

func complete(spans []history.Event, wanted []string) bool {
	there := map[string]bool{}
	for _, s := range spans {
		there[s.Signal.Span] = true
	}
	return !slices.ContainsFunc(wanted, func(id string) bool { return !there[id] }) &&
		!slices.ContainsFunc(spans, func(s history.Event) bool { return s.Signal.Parent != "" && !there[s.Signal.Parent] })
}

// countsFor tells whether a system's metrics are compared.
func countsFor(s orchestrators.System) bool {
	t, ok := s.(orchestrators.Talking)
	return ok && t.Hearing() != nil && t.Hearing().HasMetrics()
}

// leftOpen tells whether sagas of a cell may go on after it: whoever runs next on the same
// process would have what they come to in its metrics.
func leftOpen(h *history.History) bool {
	if h == nil {
		return true
	}
	for _, e := range h.Events {
		if e.Kind == history.Settled {
			return e.Detail != ""
		}
	}
	return true
}
