package sagatest_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

// journal is the store of a saga: what it knows to be done.
type journal struct {
	mu   sync.Mutex
	done map[string]bool
}

func (j *journal) has(what string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done[what]
}

func (j *journal) add(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done[what] = true
}

// transfer takes money from one bank to another, and goes on after a crash where it stood.
// Hasty: it notes that it turns back only when it has.
type transfer struct {
	order
	journal *journal
	hasty   bool
}

func (x transfer) run(ctx context.Context) error {
	const withdrawal, deposit, refund = "http://a-bank/withdrawals", "http://b-bank/deposits", "http://a-bank/refunds"
	if !x.journal.has("turned") {
		err := x.once(ctx, withdrawal)
		if err == nil {
			err = x.once(ctx, deposit)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, errRefused) {
			return errors.Join(errPersonNeeded, err)
		}
	}
	if !x.hasty {
		x.journal.add("turned")
	}
	if err := x.once(ctx, refund); err != nil {
		return errors.Join(errPersonNeeded, err)
	}
	x.journal.add("turned")
	return errRefused
}

// once calls a service, unless it is known to have been called.
func (x transfer) once(ctx context.Context, url string) error {
	if x.journal.has(url) {
		return nil
	}
	err := x.call(ctx, url, forEver)
	if err == nil {
		x.journal.add(url)
	}
	return err
}

func transfers(hasty bool) sagatest.Saga {
	return sagatest.Saga{
		Name: "transfer",
		Steps: []sagatest.Step{
			{Name: "withdraw", Do: "POST http://a-bank/withdrawals", Undo: "POST http://a-bank/refunds"},
			{Name: "deposit", Do: "POST http://b-bank/deposits", Kind: saga.Pivot},
		},
		Open: func(testing.TB) sagatest.Start {
			store := &journal{done: map[string]bool{}}
			return func(ctx context.Context, client *http.Client, in sagatest.Input) error {
				return transfer{order: order{client: client, id: in.ID}, journal: store, hasty: hasty}.run(ctx)
			}
		},
		Status: ends,
	}
}

// A saga with a store is killed at each of its calls, and goes on.
func TestTransfer(t *testing.T) { sagatest.Explore(t, transfers(false)) }

// One that forgets that it had turned does both after a kill.
func TestForgottenTurnIsFound(t *testing.T) {
	expect(t, explored(t, transfers(true), ""), "crash-orchestrator", "FAIL")
}

// One that goes on after a first crash, and not after a second one, is found: two kills in one saga show it.
func TestSecondCrashIsFound(t *testing.T) {
	s := transfers(false)
	s.Open = func(testing.TB) sagatest.Start {
		store, starts := &journal{done: map[string]bool{}}, 0
		return func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			if starts++; starts > 2 {
				<-ctx.Done()
				return ctx.Err()
			}
			return transfer{order: order{client: client, id: in.ID}, journal: store}.run(ctx)
		}
	}
	expect(t, explored(t, s, ""), "crash-orchestrator", "FAIL", "stuck-saga")
}

// A process that is killed is not told: code that would turn back when its context ends does
// not.
func TestDeadProcessIsNotTold(t *testing.T) {
	s := transfers(false)
	s.Open = func(testing.TB) sagatest.Start {
		store := &journal{done: map[string]bool{}}
		return func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			defer context.AfterFunc(ctx, func() { store.add("turned") })()
			return transfer{order: order{client: client, id: in.ID}, journal: store}.run(ctx)
		}
	}
	sagatest.Explore(t, s)
}
