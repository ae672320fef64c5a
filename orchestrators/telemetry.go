package orchestrators

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Telemetry says how to hear what an orchestrator says about itself, and in which words.
// What is claimed here is compared with what the wire saw.
type Telemetry struct {
	Metrics string            `yaml:"metrics,omitempty" json:"metrics,omitempty" jsonschema:"description=URL that answers with metrics in Prometheus' text form"`
	Names   map[string]string `yaml:"names,omitempty" json:"names,omitempty" jsonschema:"description=The metric for each of started\\, completed\\, compensated\\, attempts\\, interrupted\\, retries\\, compensations and stuck\\, as name or name{label=\"value\"}: the sum of all series that fit"`
	Lasting bool              `yaml:"lasting,omitempty" json:"lasting,omitempty" jsonschema:"description=Counters hold over a kill; without it they are not compared in cells that kill"`
	Traces  *Traces           `yaml:"traces,omitempty" json:"traces,omitempty" jsonschema:"description=Traces come to ${otlp}\\, the base URL of a collector (OTLP/HTTP\\, protobuf or JSON)"`
	Logs    *Logs             `yaml:"logs,omitempty" json:"logs,omitempty" jsonschema:"description=A process logs one JSON object a line"`
}

// Traces say what of traces is claimed, and how attributes are called.
type Traces struct {
	Lasting   bool   `yaml:"lasting,omitempty" json:"lasting,omitempty" jsonschema:"description=No kill takes a span away"`
	Links     bool   `yaml:"links,omitempty" json:"links,omitempty" jsonschema:"description=A compensation's span or one above it links to one of its action"`
	Saga      string `yaml:"saga,omitempty" json:"saga,omitempty" jsonschema:"description=Attribute with the saga's id (default saga.id)"`
	Step      string `yaml:"step,omitempty" json:"step,omitempty" jsonschema:"description=Attribute with the step (default saga.step)"`
	Direction string `yaml:"direction,omitempty" json:"direction,omitempty" jsonschema:"description=Attribute that says action or compensation (default saga.direction)"`
}

// Logs say which lines are about sagas.
type Logs struct {
	Process   string                 `yaml:"process" json:"process" jsonschema:"required,description=Whose output it is"`
	Event     string                 `yaml:"event,omitempty" json:"event,omitempty" jsonschema:"description=Field that says what has happened (default msg)"`
	Saga      string                 `yaml:"saga,omitempty" json:"saga,omitempty" jsonschema:"description=Field with the saga's id (default saga)"`
	Step      string                 `yaml:"step,omitempty" json:"step,omitempty" jsonschema:"description=Field with the step (default step)"`
	Direction string                 `yaml:"direction,omitempty" json:"direction,omitempty" jsonschema:"description=Field that says action or compensation (default direction)"`
	Attempt   string                 `yaml:"attempt,omitempty" json:"attempt,omitempty" jsonschema:"description=Field with the number of the attempt\\, from 1 (default attempt)"`
	Ends      map[saga.Status]string `yaml:"ends" json:"ends" jsonschema:"required,description=What the event is for each of completed\\, compensated and stuck"`
}

// metricForm is a name with labels.
var metricForm = regexp.MustCompile(`^([A-Za-z_:][A-Za-z0-9_:.]*)(?:\{(.*)\})?$`)

var labelForm = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_.]*)="([^"]*)"\s*$`)

// selector picks series of a metric.
type selector struct {
	name   string
	labels map[string]string
}

func parseSelector(text string) (selector, error) {
	wrong := fmt.Errorf("%q: expected name or name{label=\"value\"}", text)
	m := metricForm.FindStringSubmatch(text)
	if m == nil {
		return selector{}, wrong
	}
	s := selector{name: m[1], labels: map[string]string{}}
	for part := range strings.SplitSeq(m[2], ",") {
		if m[2] == "" {
			break
		}
		l := labelForm.FindStringSubmatch(part)
		if l == nil {
			return selector{}, wrong
		}
		s.labels[l[1]] = l[2]
	}
	return s, nil
}

func (m *Manifest) validateTelemetry() (errs []error) {
	t := m.Telemetry
	if t == nil {
		return nil
	}
	if u, err := url.Parse(Template.ReplaceAllString(t.Metrics, "1")); t.Metrics != "" && (err != nil || u.Host == "") {
		errs = append(errs, bad("telemetry.metrics", "%q: expected a URL", t.Metrics))
	}
	if (t.Metrics == "") != (len(t.Names) == 0) {
		errs = append(errs, bad("telemetry.names", "expected where metrics are, and what they are called, together"))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Names)) {
		at := "telemetry.names." + name
		if !slices.Contains(history.Metrics, name) {
			errs = append(errs, bad(at, "%q: expected one of %s", name, strings.Join(history.Metrics, ", ")))
		} else if _, err := parseSelector(t.Names[name]); err != nil {
			errs = append(errs, badly(at, err))
		}
	}
	if l := t.Logs; l != nil {
		if !slices.ContainsFunc(m.Processes, func(p Process) bool { return p.Name == l.Process }) {
			errs = append(errs, bad("telemetry.logs.process", "%q: expected the name of one of the processes", l.Process))
		}
		if l.Ends[saga.Completed] == "" || l.Ends[saga.Compensated] == "" {
			errs = append(errs, bad("telemetry.logs.ends", "expected what a line says at the end, of completed and of compensated"))
		}
		for _, status := range slices.Sorted(maps.Keys(l.Ends)) {
			if !status.Ended() && status != saga.Stuck {
				errs = append(errs, bad("telemetry.logs.ends."+string(status), "expected completed, compensated or stuck"))
			}
		}
	}
	return errs
}

// says lists what the orchestrator says about itself, as capabilities.
func (t *Telemetry) says() (all []string) {
	if t == nil {
		return nil
	}
	add := func(holds bool, name string) {
		if holds {
			all = append(all, name)
		}
	}
	add(t.Metrics != "", history.HasMetrics)
	add(t.Metrics != "" && t.Lasting, history.LastingMetrics)
	add(t.Traces != nil, history.HasTraces)
	add(t.Traces != nil && t.Traces.Lasting, history.LastingTraces)
	add(t.Traces != nil && t.Traces.Links, history.LinkedTraces)
	add(t.Logs != nil, history.HasLogs)
	return all
}

// attributes are what spans call the saga, the step and the direction.
func (t *Traces) attributes() (id, step, direction string) {
	return cmp.Or(t.Saga, "saga.id"), cmp.Or(t.Step, "saga.step"), cmp.Or(t.Direction, "saga.direction")
}
