package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// errUngoverned is about an orchestrator that has no policies or flags to change.
var errUngoverned = errors.New("the policies and flags of this orchestrator can't be changed")

// flagReserve is how much longer a flag would stay on if nobody took it back.
const flagReserve = time.Minute

// governed asks the orchestrator to change what governs it, until it has answered well:
// while it is away, or not ready yet, it is asked again.
func (in *Injector) governed(i int, ask func(ctx context.Context) (int, error)) (code int, ok bool) {
	if in.Governor == nil {
		in.fail(i, errUngoverned)
		return 0, false
	}
	ctx, cancel := context.WithTimeout(in.alive, askLimit)
	defer cancel()
	for {
		code, err := ask(ctx)
		if err == nil && saga.Classify(code) == saga.Done {
			return code, true
		}
		t := time.NewTimer(20 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			in.fail(i, fmt.Errorf("it answered %d: %w", code, err))
			return code, false
		}
	}
}

// changePolicies puts others in force, and records that they are.
func (in *Injector) changePolicies(i int, waits time.Duration) {
	code, ok := in.governed(i, func(ctx context.Context) (int, error) { return in.Governor.Waits(ctx, waits) })
	if !ok {
		return
	}
	in.mu.Lock()
	in.changed = true
	in.mu.Unlock()
	in.rec.Add(history.Event{Kind: history.PoliciesChanged, Fault: &i, Code: code, Waits: waits})
}

// restore gives the orchestrator back what it had before the cell.
func (in *Injector) restore() {
	in.mu.Lock()
	changed := in.changed
	in.changed = false
	in.mu.Unlock()
	if changed && in.alive.Err() == nil {
		in.governed(0, func(ctx context.Context) (int, error) { return in.Governor.Waits(ctx, 0) })
	}
}

// throwFlag sets a flag now and takes it back later.
func (in *Injector) throwFlag(i int, e faults.Injection) {
	code, ok := in.governed(i, func(ctx context.Context) (int, error) {
		return in.Governor.Throw(ctx, e.Flag, e.FlagSteps, e.For+flagReserve)
	})
	if !ok {
		return
	}
	in.rec.Add(history.Event{Kind: history.FlagSet, Fault: &i, Code: code, Flag: e.Flag, For: e.FlagSteps})
	in.background(func() {
		in.wait(e.For)
		in.rec.Add(history.Event{Kind: history.FlagCleared, Fault: &i, Flag: e.Flag})
		in.governed(i, func(ctx context.Context) (int, error) { return in.Governor.TakeBack(ctx, e.Flag) })
		in.strikes.Heal(i, saga.Operation{})
	})
}
