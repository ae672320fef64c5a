package telemetry

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// FactKind is what sort of thing has happened.
type FactKind string

// What may happen.
const (
	Started FactKind = "started" // a saga was accepted
	Attempt FactKind = "attempt" // an attempt is over
	Undone  FactKind = "undone"  // a compensation is over
	Ended   FactKind = "ended"   // a saga has ended
	Drifted FactKind = "drifted" // what a participant holds differs from what is written down
	Mended  FactKind = "mended"  // an attempt at a repair of that is over
)

// Fact is one thing that has happened and adds up.
type Fact struct {
	Kind      FactKind
	Step      string
	Direction saga.Direction
	N         int    // of the attempt
	Outcome   string // done, permanent, transient or interrupted; of a compensation done or failed; of drift what differs; of a repair its answer
	Status    saga.Status
	Took      time.Duration
	Replayed  bool // it happened in an earlier life
}

// The outcomes besides the answers of package saga.
const (
	Interrupted = "interrupted" // the executor ended before the answer came
	Failed      = "failed"      // a compensation that is given up: a person is needed
)

// operation labels a count.
type operation struct {
	Step      string
	Direction saga.Direction
}

// outcome labels a count.
type outcome struct {
	operation
	Outcome string
}

// Counts is what has happened in all lives of a store.
type Counts struct {
	Started       uint64
	Ended         map[saga.Status]uint64
	Durations     []uint64 // by buckets, and one for what is longer
	Seconds       float64  // of all that have ended
	Attempts      map[outcome]uint64
	Retries       map[operation]uint64
	Compensations map[string]uint64
	Drifts        map[string]uint64 // by what differs
	Repairs       map[string]uint64 // attempts at them, by what came of them
	steps         map[string]bool
}

// buckets are the upper bounds of saga_duration_seconds.
var buckets = []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600, 86400}

// mostSteps bounds the names of steps that are told apart: they come from clients.
const mostSteps = 500

// otherSteps stands for all steps above that.
const otherSteps = "(other)"

func NewCounts() *Counts {
	return &Counts{
		Ended: map[saga.Status]uint64{}, Durations: make([]uint64, len(buckets)+1), Attempts: map[outcome]uint64{},
		Retries: map[operation]uint64{}, Compensations: map[string]uint64{}, Drifts: map[string]uint64{}, Repairs: map[string]uint64{}, steps: map[string]bool{},
	}
}

// Take adds a fact.
func (c *Counts) Take(f Fact) {
	op := operation{c.step(f.Step), f.Direction}
	switch f.Kind {
	case Started:
		c.Started++
	case Attempt:
		c.Attempts[outcome{op, f.Outcome}]++
		if f.N > 1 {
			c.Retries[op]++
		}
	case Undone:
		c.Compensations[f.Outcome]++
	case Drifted:
		c.Drifts[f.Outcome]++
	case Mended:
		c.Repairs[f.Outcome]++
	case Ended:
		c.Ended[f.Status]++
		c.Seconds += f.Took.Seconds()
		i := 0
		for i < len(buckets) && f.Took.Seconds() > buckets[i] {
			i++
		}
		c.Durations[i]++
	}
}

func (c *Counts) step(name string) string {
	if name != otherSteps && !c.steps[name] {
		if len(c.steps) >= mostSteps {
			return otherSteps
		}
		c.steps[name] = true
	}
	return name
}

// keptCounts are Counts as they are stored.
type keptCounts struct {
	Started       uint64                 `json:"started"`
	Ended         map[saga.Status]uint64 `json:"ended"`
	Durations     []uint64               `json:"durations"`
	Seconds       float64                `json:"seconds"`
	Operations    []keptOperation        `json:"operations"`
	Compensations map[string]uint64      `json:"compensations"`
	Drifts        map[string]uint64      `json:"drifts,omitempty"`
	Repairs       map[string]uint64      `json:"repairs,omitempty"`
}

type keptOperation struct {
	Step      string         `json:"step"`
	Direction saga.Direction `json:"direction"`
	Outcome   string         `json:"outcome,omitempty"` // empty: retries
	N         uint64         `json:"n"`
}

func (c *Counts) text() (string, error) {
	k := keptCounts{Started: c.Started, Ended: c.Ended, Durations: c.Durations, Seconds: c.Seconds, Compensations: c.Compensations, Drifts: c.Drifts, Repairs: c.Repairs}
	for o, n := range c.Attempts {
		k.Operations = append(k.Operations, keptOperation{o.Step, o.Direction, o.Outcome, n})
	}
	for o, n := range c.Retries {
		k.Operations = append(k.Operations, keptOperation{o.Step, o.Direction, "", n})
	}
	b, err := json.Marshal(k)
	return string(b), err
}

// countsOf reads what text wrote; "" is nothing.
func countsOf(text string) (*Counts, error) {
	c := NewCounts()
	if text == "" {
		return c, nil
	}
	var k keptCounts
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		return nil, err
	}
	if len(k.Durations) != len(c.Durations) {
		return nil, errors.New("durations: another version has written them: expected its buckets")
	}
	c.Started, c.Durations, c.Seconds = k.Started, k.Durations, k.Seconds
	for status, n := range k.Ended {
		c.Ended[status] = n
	}
	for result, n := range k.Compensations {
		c.Compensations[result] = n
	}
	for what, n := range k.Drifts {
		c.Drifts[what] = n
	}
	for outcome, n := range k.Repairs {
		c.Repairs[outcome] += n
	}
	for _, o := range k.Operations {
		op := operation{c.step(o.Step), o.Direction}
		if o.Outcome == "" {
			c.Retries[op] += o.N
		} else {
			c.Attempts[outcome{op, o.Outcome}] += o.N
		}
	}
	return c, nil
}
