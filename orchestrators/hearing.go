package orchestrators

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Hearing is how one hears what a system says about itself.
type Hearing struct {
	telemetry *Telemetry
	metrics   string
	selectors map[string]selector
	collector *collector // nil: there are no traces
	log       string     // file; empty: there are no logs
}

// Talking is a system whose manifest says how to hear it.
type Talking interface {
	// Hearing is nil where it does not.
	Hearing() *Hearing
}

var _ Talking = (*started)(nil)

// Hearing tells how to hear the system; nil: nobody knows.
func (s *started) Hearing() *Hearing { return s.hearing }

// hear prepares to hear.
func (s *started) hear() error {
	t := s.manifest.Telemetry
	if t == nil {
		return nil
	}
	s.hearing = &Hearing{telemetry: t, selectors: map[string]selector{}}
	for name, text := range t.Names {
		sel, err := parseSelector(text)
		if err != nil {
			return err
		}
		s.hearing.selectors[name] = sel
	}
	if t.Traces != nil {
		var err error
		if s.hearing.collector, err = startCollector(t.Traces); err != nil {
			return err
		}
		s.vars["otlp"] = s.hearing.collector.url
	}
	return nil
}

// place completes what is known only when the ports are.
func (h *Hearing) place(v vars, logs string) {
	if h == nil {
		return
	}
	h.metrics = v.fill(h.telemetry.Metrics)
	if l := h.telemetry.Logs; l != nil {
		h.log = filepath.Join(logs, l.Process+".log")
	}
}

func (h *Hearing) close() error {
	if h == nil || h.collector == nil {
		return nil
	}
	return h.collector.close()
}

// HasMetrics tells whether there are metrics to ask for.
func (h *Hearing) HasMetrics() bool { return h.metrics != "" }

// Spans gives those that have come of some traces, by their ids in hexadecimal, and
// Forget forgets them. Both are nothing where there are no traces.
func (h *Hearing) Spans(traces []string) []history.Event {
	if h.collector == nil {
		return nil
	}
	return h.collector.of(traces)
}

// Forget forgets the spans of traces.
func (h *Hearing) Forget(traces []string) {
	if h.collector != nil {
		h.collector.forget(traces)
	}
}

// HasTraces tells whether spans are to come.
func (h *Hearing) HasTraces() bool { return h.collector != nil }

// metricsTimeout bounds a look at the metrics.
const metricsTimeout = 5 * time.Second

// Sample asks for the metrics, in the words of package history. A counter without a
// series is 0, as nothing has been counted; that of a metric that does not exist is told
// by what it does not count.
func (h *Hearing) Sample(ctx context.Context) ([]history.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, metricsTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.metrics, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metrics: %s answered %s", h.metrics, resp.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("metrics: %s: %w", h.metrics, err)
	}
	var all []history.Event
	for _, name := range history.Metrics {
		sel, ok := h.selectors[name]
		if !ok {
			continue
		}
		signal := &history.Signal{Metric: name}
		for _, m := range families[sel.name].GetMetric() {
			fits := 0
			for _, l := range m.GetLabel() {
				if v, asked := sel.labels[l.GetName()]; asked && v == l.GetValue() {
					fits++
				}
			}
			if fits == len(sel.labels) {
				signal.Value += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue() + float64(m.GetHistogram().GetSampleCount()+m.GetSummary().GetSampleCount())
			}
		}
		all = append(all, history.Event{Kind: history.Telemetry, Signal: signal})
	}
	return all, nil
}

// Mark is the end of the log by now.
func (h *Hearing) Mark() (int64, error) {
	if h.log == "" {
		return 0, nil
	}
	info, err := os.Stat(h.log)
	if err != nil {
		return 0, fmt.Errorf("log: %w", err)
	}
	return info.Size(), nil
}

// Lines reads those of the log since a mark that are about one of the sagas.
func (h *Hearing) Lines(mark int64, about func(saga string) bool) ([]history.Event, error) {
	if h.log == "" {
		return nil, nil
	}
	f, err := os.Open(h.log)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if _, err := f.Seek(mark, io.SeekStart); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	var all []history.Event
	in := bufio.NewReader(f)
	for {
		line, err := in.ReadBytes('\n')
		if e, ok := h.telemetry.Logs.read(line); ok && about(e.Saga) {
			all = append(all, e)
		}
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
	}
}

// read reads a line; not ok: it is not about a saga.
func (l *Logs) read(line []byte) (e history.Event, ok bool) {
	if len(line) == 0 || line[0] != '{' {
		return e, false
	}
	fields := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if dec.Decode(&fields) != nil { // somebody else's, or cut short by a kill
		return e, false
	}
	text := func(name, otherwise string) string {
		v, has := fields[cmp.Or(name, otherwise)]
		if !has {
			return ""
		}
		return fmt.Sprint(v)
	}
	e = history.Event{
		Kind: history.Telemetry, Saga: text(l.Saga, "saga"), Step: text(l.Step, "step"), Direction: saga.Direction(text(l.Direction, "direction")),
		Signal: &history.Signal{Name: text(l.Event, "msg")},
	}
	if _, err := fmt.Sscan(text(l.Attempt, "attempt"), &e.Attempt); err != nil {
		e.Attempt = 0 // it is about no attempt
	}
	for status, name := range l.Ends {
		if name == e.Signal.Name {
			e.Status = status
		}
	}
	return e, e.Saga != ""
}

// HasLogs tells whether there is a log to read.
func (h *Hearing) HasLogs() bool { return h.log != "" }
