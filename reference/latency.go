package reference

import (
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// latencies are how long the latest attempts took, by the name under which policies follow
// them. They are kept in memory only: after a restart the policies' own numbers count.
type latencies struct {
	mu     sync.Mutex
	byName map[string]*latest
}

// How many are kept.
const (
	keepLatencies = 64 // of a name
	keepLatest    = 4096
)

// latest are the last durations of a name, in a ring.
type latest struct {
	took []time.Duration
	next int
}

// observe notes how long an attempt took.
func (l *latencies) observe(name string, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.byName[name]
	if w == nil {
		if len(l.byName) >= keepLatest {
			clear(l.byName)
		}
		w = &latest{}
		l.byName[name] = w
	}
	if len(w.took) < keepLatencies {
		w.took = append(w.took, took)
		return
	}
	w.took[w.next] = took
	w.next = (w.next + 1) % keepLatencies
}

// percentile is the least duration that so many of a hundred did not exceed; not ok: there
// are none.
func (l *latencies) percentile(name string, percent int) (took time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.byName[name]
	if w == nil {
		return 0, false
	}
	all := slices.Sorted(slices.Values(w.took))
	return all[(len(all)*percent+99)/100-1], true
}

// Retry is the policy by which the next attempt is made: where it adapts, as the latency
// that was observed has it.
func (o Op) Retry() saga.RetryPolicy {
	p := o.Call().Retry
	a := p.Adaptive
	if a.IsZero() {
		return p
	}
	if took, ok := o.executor.latencies.percentile(a.Name, a.Percentile); ok {
		return o.executor.rules.Adapt(p, took)
	}
	p.Adaptive = saga.Adaptive{}
	return p
}

// observe notes how long an attempt took that was answered, or that nobody answered in time.
func (o Op) observe(a Answer, took time.Duration) {
	name := o.Call().Retry.Adaptive.Name
	if name != "" && !a.unsent && (a.Code != 0 || took >= o.Timeout()) {
		o.executor.latencies.observe(name, took)
	}
}
