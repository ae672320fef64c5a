package models

import (
	"fmt"
	"math"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Delivery names one arrival of a call at a participant. Copy is the number of
// the copy that the network made, else 0.
type Delivery struct {
	Op      saga.Operation
	Attempt int
	Copy    int
}

func (d Delivery) String() string {
	if d.Attempt == 0 {
		return d.Op.String()
	}
	s := fmt.Sprintf("%v#%d", d.Op, d.Attempt)
	if d.Copy > 0 {
		s += fmt.Sprintf(" (copy %d)", d.Copy)
	}
	return s
}

// delivery is what the record says of one arrival.
type delivery struct {
	Delivery
	key                           string
	received, committed, answered *history.Event
	sent                          *history.Event
	// outside: the answer is not the service's own: a fault gave it in its place.
	outside bool
}

// never is the return time of an operation whose end nobody saw.
const never = math.MaxInt64

// call is the earliest time at which the delivery can have had its effect.
func (d *delivery) call() int64 {
	for _, e := range []*history.Event{d.received, d.sent, d.committed, d.answered} {
		if e != nil {
			return int64(e.Seq)
		}
	}
	return 0
}

// end is the latest time at which the delivery can have had its effect.
func (d *delivery) end() int64 {
	switch {
	case d.answered != nil:
		return int64(d.answered.Seq)
	case d.committed != nil:
		return int64(d.committed.Seq)
	}
	return never
}

// unknown tells that the participant's record has no outcome of a delivery that
// it received.
func (d *delivery) unknown() bool {
	return d.received != nil && d.committed == nil && d.answered == nil
}

// events are the sequence numbers of the delivery's events.
func (d *delivery) events() []int {
	var seqs []int
	for _, e := range []*history.Event{d.received, d.committed, d.answered} {
		if e != nil {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}

// deliveries takes an operation's record apart. An attempt of which no
// participant saw anything is no delivery: it had no effect.
func deliveries(o *history.OpRecord) []*delivery {
	var all []*delivery
	for _, a := range o.Attempts {
		all = append(all, arrivals(o.Op, a)...)
	}
	return all
}

// arrivals finds the deliveries of one attempt: one a copy, and one more for
// each further effect of a copy.
func arrivals(op saga.Operation, a *history.Attempt) []*delivery {
	var all []*delivery
	at := func(e *history.Event) *delivery {
		for _, d := range all {
			if d.Copy == e.Copy {
				return d
			}
		}
		d := &delivery{Delivery: Delivery{op, a.N, e.Copy}}
		if a.Sent != nil {
			d.key = a.Sent.Key
			if e.Copy == 0 && a.Sent.Seq < e.Seq {
				d.sent = a.Sent
			}
		}
		all = append(all, d)
		return d
	}
	for _, e := range a.Received {
		d := at(e)
		d.received = e
		if e.Key != "" {
			d.key = e.Key
		}
	}
	var more []*delivery
	for _, e := range a.Committed {
		d := at(e)
		if d.committed == nil {
			d.committed = e
			continue
		}
		more = append(more, &delivery{Delivery: d.Delivery, key: d.key, committed: e})
	}
	for _, e := range a.Answered {
		d := at(e)
		d.answered = e
		d.outside = (e.Reply == nil || e.Garbled != "") && d.committed != nil && d.committed.Ref != ""
	}
	return append(all, more...)
}
