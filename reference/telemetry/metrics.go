package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// metrics tells Prometheus what is counted.
type metrics struct{ t *Telemetry }

var _ prometheus.Collector = metrics{}

func newMetrics(t *Telemetry) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(metrics{t})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// The metrics. What is counted follows from the store, over all lives of it.
var (
	started       = desc("saga_started_total", "Sagas accepted.")
	ended         = desc("saga_ended_total", "Sagas that have ended, by how.", "status")
	duration      = desc("saga_duration_seconds", "Time from acceptance to the end of sagas that have ended.")
	attempts      = desc("saga_step_attempts_total", "Attempts that are over, by what came of them.", "step", "direction", "outcome")
	retries       = desc("saga_retries_total", "Attempts that are over and were not the first of their operation.", "step", "direction")
	compensations = desc("saga_compensations_total", "Compensations that are over: done, or failed for good.", "outcome")
	unknown       = desc("saga_unknown_outcomes", "Operations whose outcome is not known now.")
	stuck         = desc("saga_stuck", "Sagas that wait for a person now.")
	breakerState  = desc("saga_breaker_state", "Circuit breakers now: 0 closed, 1 half open, 2 open.", "breaker")
	deferred      = desc("saga_deferred_pending", "Deferred steps that are still to be done now.")
	drifts        = desc("saga_drift_total", "Times that a participant was found to hold something else than what is written down, by what differs.", "what")
	driftOpen     = desc("saga_drift_open", "Steps of which a participant holds something else now than what is written down.")
	driftRepairs  = desc("saga_drift_repairs_total", "Attempts to repair that, by what came of them.", "outcome")
	spansLost     = desc("saga_telemetry_spans_lost_total", "Spans that the collector did not take, since the process began.")
)

// Describe names the metrics.
func (metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{started, ended, duration, attempts, retries, compensations, unknown, stuck, breakerState, deferred, drifts, driftOpen, driftRepairs, spansLost} {
		ch <- d
	}
}

// Collect tells them.
func (m metrics) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	m.t.mu.Lock()
	defer m.t.mu.Unlock()
	c, g := m.t.counts, &m.t.gauges
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count(started, c.Started)
	for _, status := range []saga.Status{saga.Completed, saga.Compensated, saga.EndedByHand} {
		count(ended, c.Ended[status], string(status))
	}
	ch <- c.histogram()
	for o, n := range c.Attempts {
		count(attempts, n, o.Step, string(o.Direction), o.Outcome)
	}
	for o, n := range c.Retries {
		count(retries, n, o.Step, string(o.Direction))
	}
	for _, how := range []string{string(saga.Done), Failed} {
		count(compensations, c.Compensations[how], how)
	}
	for _, what := range []reference.DriftWhat{reference.DriftMissing, reference.DriftOther, reference.DriftStill} {
		count(drifts, c.Drifts[string(what)], string(what))
	}
	for outcome, n := range c.Repairs {
		count(driftRepairs, n, outcome)
	}
	gauge(driftOpen, float64(g.drifting()))
	gauge(unknown, float64(g.unknown))
	gauge(stuck, float64(g.stuck+len(g.quarantined)))
	gauge(deferred, float64(g.deferred))
	for name, b := range g.breakers {
		gauge(breakerState, b.state(now), name)
	}
	if m.t.traces != nil {
		count(spansLost, uint64(m.t.traces.out.lost.Load()))
	}
}

func (c *Counts) histogram() prometheus.Metric {
	below, sum := map[float64]uint64{}, uint64(0)
	for i, bound := range buckets {
		sum += c.Durations[i]
		below[bound] = sum
	}
	sum += c.Durations[len(buckets)]
	return prometheus.MustNewConstHistogram(duration, sum, c.Seconds, below)
}
