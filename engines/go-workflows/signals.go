package main

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cschleiden/go-workflows/backend"
	"github.com/cschleiden/go-workflows/backend/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/sagacheck/sagacheck/engines/facade"
)

// traced sends the library's spans, and one of each attempt below that of its activity, to where
// OTEL_EXPORTER_OTLP_ENDPOINT says; nowhere, if it says nothing.
func traced(ctx context.Context) ([]backend.BackendOption, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return nil, nil
	}
	out, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	p := trace.NewTracerProvider(trace.WithBatcher(out))
	facade.Trace(func(t http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(t, otelhttp.WithTracerProvider(p), otelhttp.WithPropagators(propagation.TraceContext{}))
	})
	return []backend.BackendOption{backend.WithTracerProvider(p)}, nil
}

// counts is what the library counts by, kept for Prometheus: it has no metrics of its own, but an
// interface and names (workflows.workflow.created).
type counts struct {
	tags metrics.Tags
	all  *families
}

var _ metrics.Client = counts{}

// families are the metrics by name; all series of one have the same labels.
type families struct {
	registry *prometheus.Registry
	mu       sync.Mutex
	counters map[string]*prometheus.CounterVec
	gauges   map[string]*prometheus.GaugeVec
	sums     map[string]*prometheus.SummaryVec
}

func newCounts() counts {
	return counts{all: &families{
		prometheus.NewRegistry(), sync.Mutex{}, map[string]*prometheus.CounterVec{}, map[string]*prometheus.GaugeVec{}, map[string]*prometheus.SummaryVec{},
	}}
}

func (c counts) WithTags(tags metrics.Tags) metrics.Client { return counts{c.with(tags), c.all} }

func (c counts) with(tags metrics.Tags) metrics.Tags {
	all := metrics.Tags{}
	for _, some := range []metrics.Tags{c.tags, tags} {
		for k, v := range some {
			all[underscored(k)] = v
		}
	}
	return all
}

func underscored(name string) string { return strings.ReplaceAll(name, ".", "_") }

func (c counts) Counter(name string, tags metrics.Tags, value int64) {
	family(c, c.all.counters, name, tags, func(name string, labels []string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name}, labels)
	}).With(prometheus.Labels(c.with(tags))).Add(float64(value))
}

func (c counts) Gauge(name string, tags metrics.Tags, value int64) {
	family(c, c.all.gauges, name, tags, func(name string, labels []string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name}, labels)
	}).With(prometheus.Labels(c.with(tags))).Set(float64(value))
}

func (c counts) Distribution(name string, tags metrics.Tags, value float64) {
	family(c, c.all.sums, name, tags, func(name string, labels []string) *prometheus.SummaryVec {
		return prometheus.NewSummaryVec(prometheus.SummaryOpts{Name: name}, labels)
	}).With(prometheus.Labels(c.with(tags))).Observe(value)
}

func (c counts) Timing(name string, tags metrics.Tags, duration time.Duration) {
	c.Distribution(name, tags, duration.Seconds())
}

// family is the metric of a name; the first time it is made and registered.
func family[V prometheus.Collector](c counts, known map[string]V, name string, tags metrics.Tags, create func(name string, labels []string) V) V {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	name = underscored(name)
	v, there := known[name]
	if !there {
		var labels []string
		for label := range c.with(tags) {
			labels = append(labels, label)
		}
		v = create(name, labels)
		c.all.registry.MustRegister(v)
		known[name] = v
	}
	return v
}
