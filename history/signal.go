package history

import (
	"errors"
	"strconv"
	"strings"
)

// Signal is something that the orchestrator said about itself: the value of a metric, a
// span, or a line of its log. What it says it is about (saga, step, direction, attempt) is
// in the event, by its own words.
type Signal struct {
	// Heard is what was listened to: metrics, traces or logs; what is not there was not said.
	Heard string `json:"heard,omitempty"`
	// Metric is what is counted (see Metrics); Before: as it was before the first saga of
	// the cell, else after it had settled.
	Metric string  `json:"metric,omitempty"`
	Value  float64 `json:"value,omitempty"`
	Before bool    `json:"before,omitempty"`
	// Span and Parent are ids of a trace, which is Event.Trace, in hexadecimal; Links are
	// those of other spans.
	Span   string   `json:"span,omitempty"`
	Parent string   `json:"parent,omitempty"`
	Links  []string `json:"links,omitempty"`
	// Name is that of the span, or what the line says has happened.
	Name string `json:"name,omitempty"`
}

// The metrics that are compared with the wire.
const (
	MetricStarted       = "started"       // sagas accepted
	MetricCompleted     = "completed"     // sagas that have ended so
	MetricCompensated   = "compensated"   // sagas that have ended so
	MetricAttempts      = "attempts"      // of all operations
	MetricInterrupted   = "interrupted"   // those of them that an end of the orchestrator cut short
	MetricRetries       = "retries"       // those of them that were not the first of their operation
	MetricCompensations = "compensations" // that were carried through
	MetricStuck         = "stuck"         // sagas that wait for a person now
)

// Metrics are all of them.
var Metrics = []string{
	MetricStarted, MetricCompleted, MetricCompensated, MetricAttempts, MetricInterrupted, MetricRetries, MetricCompensations, MetricStuck,
}

// What an orchestrator may say about itself, as capabilities: they follow from what its
// manifest says of it (telemetry).
const (
	HasMetrics     = "metrics"
	LastingMetrics = "lasting-metrics" // counters hold over a kill
	HasTraces      = "traces"
	LastingTraces  = "lasting-traces" // no kill takes a span away
	LinkedTraces   = "linked-traces"  // a compensation links to its action
	HasLogs        = "logs"
)

// format writes a signal as fields of the text form.
func (s *Signal) format() (parts []string) {
	field := func(name, v string) {
		if v != "" {
			parts = append(parts, name+"="+quote(v))
		}
	}
	field("heard", s.Heard)
	field("metric", s.Metric)
	if s.Metric != "" {
		parts = append(parts, "value="+strconv.FormatFloat(s.Value, 'g', -1, 64))
	}
	if s.Before {
		parts = append(parts, "before=true")
	}
	field("span", s.Span)
	field("parent", s.Parent)
	field("links", strings.Join(s.Links, ","))
	field("name", s.Name)
	return parts
}

// field reads a field of a signal.
func (s *Signal) field(name, v string) (err error) {
	switch name {
	case "heard":
		s.Heard = v
	case "metric":
		s.Metric = v
	case "value":
		s.Value, err = strconv.ParseFloat(v, 64)
	case "before":
		s.Before, err = strconv.ParseBool(v)
	case "span":
		s.Span = v
	case "parent":
		s.Parent = v
	case "links":
		s.Links = strings.Split(v, ",")
	case "name":
		s.Name = v
	default:
		return errors.New("expected heard, metric, value, before, span, parent, links or name")
	}
	return err
}
