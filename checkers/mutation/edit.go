package mutation

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// edit is a history while it is being changed. Its events are addressed by the
// sequence numbers that they had before.
type edit struct {
	header history.Header
	events []history.Event // Seq is the old number; 0: a new event
}

func change(h *history.History) *edit {
	return &edit{header: h.Header, events: slices.Clone(h.Events)}
}

// at is where the event with an old number is now.
func (e *edit) at(seq int) int {
	return slices.IndexFunc(e.events, func(x history.Event) bool { return x.Seq == seq })
}

// set changes one event.
func (e *edit) set(seq int, f func(*history.Event)) *edit {
	f(&e.events[e.at(seq)])
	return e
}

// drop removes events.
func (e *edit) drop(is func(*history.Event) bool) *edit {
	e.events = slices.DeleteFunc(e.events, func(x history.Event) bool { return is(&x) })
	return e
}

// after puts new events behind one, a moment later.
func (e *edit) after(seq int, news ...history.Event) *edit {
	i := e.at(seq)
	for k := range news {
		news[k].Seq, news[k].At = 0, e.events[i].At+time.Duration(k+1)*moment
	}
	e.events = slices.Insert(e.events, i+1, news...)
	return e.later(i+1+len(news), time.Duration(len(news)+1)*moment)
}

// moment is between an event and one that was put behind it.
const moment = 100 * time.Microsecond

// before puts a new event in front of one, at the same time.
func (e *edit) before(seq int, news ...history.Event) *edit {
	i := e.at(seq)
	for k := range news {
		news[k].Seq, news[k].At = 0, e.events[i].At
	}
	e.events = slices.Insert(e.events, i, news...)
	return e
}

// move takes an event from its place and puts it behind another one.
func (e *edit) move(seq, behind int) *edit {
	i := e.at(seq)
	x := e.events[i]
	e.events = slices.Delete(e.events, i, i+1)
	return e.after(behind, x)
}

// during puts new events in at a time, and moves no other.
func (e *edit) during(at time.Duration, news ...history.Event) *edit {
	i := slices.IndexFunc(e.events, func(x history.Event) bool { return x.At > at })
	if i < 0 {
		i = len(e.events)
	}
	for k := range news {
		news[k].Seq, news[k].At = 0, at+time.Duration(k)*moment
	}
	e.events = slices.Insert(e.events, i, news...)
	return e.inOrder()
}

// inOrder sorts the events by their times.
func (e *edit) inOrder() *edit {
	slices.SortStableFunc(e.events, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
	return e
}

// later shifts the events from a place on in time.
func (e *edit) later(i int, d time.Duration) *edit {
	for ; i < len(e.events); i++ {
		shift(&e.events[i], d)
	}
	return e
}

// shift moves an event in time, with the other times that it tells.
func shift(x *history.Event, d time.Duration) {
	x.At += d
	for _, at := range told(x) {
		if *at > 0 {
			*at = max(*at+d, 1)
		}
	}
}

// told are the times that an event tells besides its own; 0: it does not.
func told(x *history.Event) []*time.Duration {
	return []*time.Duration{&x.Passed, &x.Acked, &x.Still}
}

// delay shifts an event and all behind it in time.
func (e *edit) delay(seq int, d time.Duration) *edit { return e.later(e.at(seq), d) }

// delaySaga shifts an event and all behind it of one saga in time, and the end of the
// cell: the others go on as they did.
func (e *edit) delaySaga(seq int, d time.Duration) *edit {
	i := e.at(seq)
	for k := i; k < len(e.events); k++ {
		if x := &e.events[k]; x.Saga == e.events[i].Saga || x.Kind == history.Settled || x.Kind == history.LedgerRead {
			shift(x, d)
		}
	}
	return e.inOrder()
}

// delayOp shifts all events of an operation in time, and the end of the cell.
func (e *edit) delayOp(op saga.Operation, d time.Duration) *edit {
	for k := range e.events {
		if x := &e.events[k]; x.Operation() == op || x.Kind == history.Settled || x.Kind == history.LedgerRead {
			shift(x, d)
		}
	}
	return e.inOrder()
}

// history numbers the events anew.
func (e *edit) history() *history.History {
	h := &history.History{Header: e.header, Events: e.events}
	for i := range h.Events {
		h.Events[i].Seq = i + 1
		if i > 0 {
			h.Events[i].At = max(h.Events[i].At, h.Events[i-1].At)
		}
	}
	return h
}

// delayNew shifts the events that were put in last, and all behind them.
func (e *edit) delayNew(d time.Duration) *edit {
	i := slices.IndexFunc(e.events, func(x history.Event) bool { return x.Seq == 0 })
	return e.later(i, d)
}

// closeUp takes the time between two events away: what lies between them is drawn
// together, and what comes after follows.
func (e *edit) closeUp(from, to *history.Event) *edit {
	gap := to.At - from.At - moment
	for i := range e.events {
		x := &e.events[i]
		switch {
		case x.At >= to.At:
			shift(x, -gap)
		case x.At > from.At:
			shift(x, from.At-x.At)
		}
	}
	return e
}

// moveBefore takes an event from its place and puts it in front of another one.
func (e *edit) moveBefore(seq, front int) *edit {
	i := e.at(seq)
	x := e.events[i]
	e.events = slices.Delete(e.events, i, i+1)
	return e.before(front, x)
}

// endsAs gives a saga another end.
func (e *edit) endsAs(s *history.SagaRecord, end saga.Status) *edit {
	for i := range e.events {
		x := &e.events[i]
		if x.Saga == s.ID && (x.Kind == history.SagaStatus || x.Kind == history.SagaEnded) && x.Status == s.Ended.Status {
			x.Status = end
		}
	}
	return e
}

// withoutFaultsOn takes the faults out of the plan that struck attempts which are
// not there any more: those of an operation behind the n-th.
func (e *edit) withoutFaultsOn(op saga.Operation, n int) *edit {
	gone := map[int]bool{}
	kept := []history.PlannedFault{}
	number := map[int]int{}
	for i, f := range e.header.Faults {
		if f.At.Ref() == op.Ref() && f.At.Attempt > n {
			gone[i] = true
			continue
		}
		number[i] = len(kept)
		kept = append(kept, f)
	}
	e.header.Faults = kept
	e.drop(func(x *history.Event) bool { return x.Fault != nil && gone[*x.Fault] })
	for i := range e.events {
		if f := e.events[i].Fault; f != nil {
			k := number[*f]
			e.events[i].Fault = &k
		}
	}
	return e
}
