package reference

import (
	"context"
	"fmt"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// Observer is told what becomes of sagas, each fact when it is durable: so what it counts
// is true of every life of the store, and a kill takes nothing of it away. It must not
// hold anybody up. Sagas are told of by several goroutines at once, each saga by one at
// a time.
type Observer interface {
	// Opened: a store was opened. Kept is what the last Keep returned for it, "" at first.
	// All that it holds is told next (replayed), then Live, and then what happens.
	Opened(kept string) error
	// Recorded: these have become records of a saga, and s is what follows from all so
	// far, to look at during the call only.
	Recorded(s *State, records []Record, replayed bool)
	// Live: what was replayed is all that was.
	Live()
	// Leaves: attempt n of an operation is about to leave.
	Leaves(o Op, n int)
	// Quarantined: nothing more is done for the saga, until the next Opened.
	Quarantined(id string)
	// Keep adds what sagas that the store is about to forget have come to. Each replays one,
	// as Recorded has it.
	Keep(kept string, gone []func(each func(s *State, records []Record))) (string, error)
}

// Status is what the saga has come to, in the contract's words.
func (s *State) Status() saga.Status { return s.status() }

// StepState is what step i has come to, in the contract's words.
func (s *State) StepState(i int) saga.StepState { return s.rules.StepState(s, i) }

// observe tells what has become durable.
func (r *run) observe(records []Record) {
	if o := r.e.observer; o != nil && len(records) > 0 {
		o.Recorded(r.state, records, false)
	}
}

// recount tells the observer all that the store holds. A saga that can't be read is told
// as far as it can be.
func (e *Executor) recount(ctx context.Context) error {
	if e.observer == nil {
		return nil
	}
	kept, err := e.store.Kept(ctx)
	if err != nil {
		return err
	}
	if err := e.observer.Opened(kept); err != nil {
		return fmt.Errorf("what is kept of sagas that were forgotten: %w", err)
	}
	var es []entry
	tell := func() {
		retell(es, e.rules, func(s *State, records []Record) { e.observer.Recorded(s, records, true) })
		es = es[:0]
	}
	err = e.store.Each(ctx, decoded(func(en entry) error {
		if len(es) > 0 && es[0].saga != en.saga {
			tell()
		}
		es = append(es, en)
		return ctx.Err()
	}))
	if err != nil {
		return err
	}
	tell()
	e.observer.Live()
	return nil
}

// retell replays a journal and tells of each entry that holds records, as observe did, up
// to the first that can't be read.
func retell(es []entry, rules *Rules, each func(s *State, records []Record)) {
	var s *State
	for _, en := range es {
		next, err := replaySafelyOnto(s, en, rules)
		if err != nil || next == nil {
			return
		}
		s = next
		if len(en.records) > 0 {
			each(s, en.records)
		}
	}
}

// replaySafelyOnto takes one more entry into a state.
func replaySafelyOnto(s *State, en entry, rules *Rules) (next *State, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return replayOnto(s, en, rules)
}

// fold has the observer keep what sagas that are forgotten have come to.
func (e *Executor) fold() store.Fold {
	if e.observer == nil {
		return nil
	}
	return func(kept string, gone [][]store.Entry) (string, error) {
		var each []func(func(*State, []Record))
		for _, stored := range gone {
			es := make([]entry, len(stored))
			for i := range stored {
				es[i] = decodeEntry(stored[i])
			}
			each = append(each, func(f func(*State, []Record)) { retell(es, e.rules, f) })
		}
		return e.observer.Keep(kept, each)
	}
}
