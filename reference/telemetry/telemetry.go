package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// Options say where signals go.
type Options struct {
	// OTLP is the base URL of an OpenTelemetry collector that takes OTLP/HTTP:
	// http://127.0.0.1:4318; empty: no traces are made.
	OTLP string
	// Version of the program, as traces name it.
	Version string
	// Logger gets what keeps traces from being exported; nil: nobody.
	Logger *slog.Logger
	// Rules are how facts become signals; nil: DefaultRules.
	Rules *Rules
}

// Telemetry observes an executor, and is what answers GET /metrics.
type Telemetry struct {
	rules  *Rules
	traces *traces // nil: none are made
	served http.Handler

	mu     sync.Mutex
	counts *Counts
	gauges gauges
	lives  map[string]*life
	newest time.Time // of all records replayed
	late   []Span    // that the life before may not have exported
}

var _ reference.Observer = (*Telemetry)(nil)

// New makes one. Close must be called.
func New(o Options) (*Telemetry, error) {
	if o.Rules == nil {
		o.Rules = DefaultRules()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Telemetry{rules: o.Rules, counts: NewCounts(), gauges: newGauges(), lives: map[string]*life{}}
	if o.OTLP != "" {
		var err error
		if t.traces, err = newTraces(o); err != nil {
			return nil, err
		}
	}
	t.served = newMetrics(t)
	return t, nil
}

// Close exports what is left, as long as ctx lets it.
func (t *Telemetry) Close(ctx context.Context) error {
	if t.traces == nil {
		return nil
	}
	return t.traces.close(ctx)
}

// ServeHTTP answers with the metrics.
func (t *Telemetry) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.served.ServeHTTP(w, r) }

// Opened begins anew.
func (t *Telemetry) Opened(kept string) error {
	c, err := countsOf(kept)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts, t.gauges, t.lives = c, newGauges(), map[string]*life{}
	t.newest, t.late = time.Time{}, nil
	return nil
}

// window is how long before the end of a life a span ended that may not have been
// exported: such spans are exported again, with the same names.
const window = 10 * time.Second

// Live exports what the life before may not have exported.
func (t *Telemetry) Live() {
	t.mu.Lock()
	late, newest := t.late, t.newest
	t.late = nil
	t.mu.Unlock()
	for _, s := range late {
		if !s.End.Before(newest.Add(-window)) {
			t.traces.export(s)
		}
	}
}

// Leaves notes when an attempt leaves.
func (t *Telemetry) Leaves(o reference.Op, _ int) {
	if t.traces == nil {
		return
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.lives[o.Saga.ID]; l != nil {
		l.op(o.Ref).left = now
	}
}

// Quarantined counts a saga among those that wait for a person.
func (t *Telemetry) Quarantined(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gauges.quarantined[id] = true
}

// Recorded counts, and makes the spans of what is over.
func (t *Telemetry) Recorded(s *reference.State, records []reference.Record, replayed bool) {
	t.mu.Lock()
	if t.onlyDrift(s, records) { // of a saga that has ended nothing else is to be told again
		spans := t.drifted(s, records, replayed)
		t.mu.Unlock()
		t.export(spans)
		return
	}
	l := t.lives[s.Def.ID]
	if l == nil {
		l = newLife()
		t.lives[s.Def.ID] = l
	}
	before := l.status
	l.follow(s, records, func(f Fact) {
		f.Replayed = replayed
		t.rules.Count(t.counts, f)
	})
	t.mark(l, before, s, records)
	var spans []Span
	if t.traces != nil && s.Trace().Sampled {
		spans = l.spans(s, records)
	}
	if l.status.Over() && s.Quiet() { // of one that is stuck a person may say more
		delete(t.lives, s.Def.ID)
	}
	if replayed {
		t.keepLate(l.latest, spans)
		spans = nil
	}
	t.mu.Unlock()
	t.export(spans)
}

func (t *Telemetry) export(spans []Span) {
	for _, span := range spans {
		t.traces.export(span)
	}
}

// drifted counts what is told of drift, and makes the spans of repairs that are over.
func (t *Telemetry) drifted(s *reference.State, records []reference.Record, replayed bool) (spans []Span) {
	for _, r := range records {
		driftFacts(s, r, func(f Fact) {
			f.Replayed = replayed
			t.rules.Count(t.counts, f)
		})
		if isRepaired(r) && t.traces != nil && s.Trace().Sampled {
			spans = append(spans, attemptSpan(s, s.Trace(), &opLife{intended: s.RepairBegan(r.Step)}, r))
		}
	}
	if replayed {
		for _, span := range spans {
			t.keepLate(span.End, []Span{span})
		}
		return nil
	}
	return spans
}

// onlyDrift tells whether nothing else has become a record, and notes where a saga drifts now.
func (t *Telemetry) onlyDrift(s *reference.State, records []reference.Record) bool {
	only := true
	for _, r := range records {
		if r.Kind != reference.RecordDrift && r.Kind != reference.RecordRepair {
			only = false
		} else if t.gauges.drifts[s.Def.ID] = s.OpenDrifts(); s.OpenDrifts() == 0 {
			delete(t.gauges.drifts, s.Def.ID)
		}
	}
	return only
}

// driftFacts tells that something was found to differ, or that an attempt at a repair is over, which is
// one of the compensation.
func driftFacts(s *reference.State, r reference.Record, tell func(Fact)) {
	switch {
	case r.Kind == reference.RecordDrift && r.Drift != nil:
		tell(Fact{Kind: Drifted, Step: s.Def.Steps[r.Step].Name, Direction: r.Direction, Outcome: string(r.Drift.What)})
	case isRepaired(r):
		tell(Fact{Kind: Attempt, Step: s.Def.Steps[r.Step].Name, Direction: r.Direction, N: r.Attempt, Outcome: outcomeOf(r)})
		tell(Fact{Kind: Mended, Step: s.Def.Steps[r.Step].Name, Direction: r.Direction, N: r.Attempt, Outcome: outcomeOf(r)})
	}
}

// isRepaired: an attempt at a repair is over.
func isRepaired(r reference.Record) bool {
	return r.Kind == reference.RecordRepair && r.Answer != "" && r.Answer != reference.RepairWithdrawn
}

// mark counts what is so now.
func (t *Telemetry) mark(l *life, before saga.Status, s *reference.State, records []reference.Record) {
	if l.status != before {
		for step := range s.Def.Steps {
			t.gauges.remark(l, s, step)
		}
		switch saga.Stuck {
		case l.status:
			t.gauges.stuck++
		case before:
			t.gauges.stuck--
		}
	}
	for _, r := range records {
		if b := r.Breaker; b != nil {
			t.gauges.breaks(b.Name, breaker{b.Seq, b.Failures, b.OpenUntil})
		}
		if isOperation(r) {
			t.gauges.remark(l, s, r.Step)
		}
	}
}

// keepLate keeps spans that may have to be exported again.
func (t *Telemetry) keepLate(latest time.Time, spans []Span) {
	if latest.After(t.newest) {
		t.newest = latest
	}
	for _, s := range spans {
		s.Again = true
		if !s.End.Before(t.newest.Add(-window)) {
			t.late = append(t.late, s)
		}
	}
}

func newLife() *life { return &life{ops: map[reference.Ref]*opLife{}, marks: map[int]mark{}} }

// follow takes records into a life, and tells the facts that add up.
func (l *life) follow(s *reference.State, records []reference.Record, tell func(Fact)) {
	for _, r := range records {
		if r.At.After(l.latest) {
			l.latest = r.At
		}
		driftFacts(s, r, tell)
		switch {
		case r.Definition != nil:
			l.accepted = r.At
			tell(Fact{Kind: Started})
		case r.Kind == reference.RecordOutcome:
			f := Fact{Kind: Attempt, Step: s.Def.Steps[r.Step].Name, Direction: r.Direction, N: r.Attempt, Outcome: outcomeOf(r)}
			tell(f)
			if f.Kind = Undone; r.Direction == saga.Compensation {
				if f.Outcome = string(saga.Done); r.Answer != saga.Done {
					f.Outcome = Failed
				}
				if r.Answer == saga.Done || s.Op(reference.Ref{Step: r.Step, Dir: r.Direction}).Lost() {
					tell(f)
				}
			}
		}
	}
	was := l.status
	if l.status = s.Status(); l.status.Over() && !was.Over() {
		tell(Fact{Kind: Ended, Status: l.status, Took: max(0, l.latest.Sub(l.accepted))})
	}
}

func isOperation(r reference.Record) bool {
	return r.Definition == nil && r.Direction != ""
}

func outcomeOf(r reference.Record) string {
	if r.Interrupted {
		return Interrupted
	}
	return string(r.Answer)
}

// Keep counts sagas that the store is about to forget.
func (t *Telemetry) Keep(kept string, gone []func(func(*reference.State, []reference.Record))) (string, error) {
	c, err := countsOf(kept)
	if err != nil {
		return "", err
	}
	for _, replay := range gone {
		l, id := newLife(), ""
		replay(func(s *reference.State, records []reference.Record) {
			id = s.Def.ID
			l.follow(s, records, c.Take)
		})
		t.mu.Lock()
		delete(t.gauges.drifts, id)
		t.mu.Unlock()
	}
	return c.text()
}
