package reference

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/reference/store"
)

// journal commits the entries of all sagas in groups: while one commit is on its
// way to the disk, the next group gathers.
type journal struct {
	store  store.Store
	health *store.Health
	in     chan *commit
	rules  *Rules
}

// commit is an entry on its way. It can be taken back until the writer has it.
type commit struct {
	entry store.Entry
	fate  atomic.Int32
	done  chan error
}

const (
	waiting int32 = iota
	taken
	withdrawn
)

// How much one commit holds at the most.
const (
	maxGroup      = 512
	maxGroupBytes = 4 << 20
)

func newJournal(s store.Store, h *store.Health, r *Rules) *journal {
	return &journal{store: s, health: h, in: make(chan *commit, maxGroup), rules: r}
}

// append returns when the entry is durable. The error is a store.RefusedError, or
// ErrClosed, or unavailable for a first entry that was taken back: a saga whose
// acceptance the store does not take in time was never accepted.
func (j *journal) append(ctx context.Context, e entry) error {
	stored, err := e.encode()
	if err != nil {
		return store.Refused(err)
	}
	c := &commit{entry: stored, done: make(chan error, 1)}
	var patience <-chan time.Time
	if e.n == 1 {
		timer := time.NewTimer(submitPatience)
		defer timer.Stop()
		patience = timer.C
	}
	in := j.in
	for {
		select {
		case in <- c:
			in = nil
		case err := <-c.done:
			return err
		case <-patience:
			if c.fate.CompareAndSwap(waiting, withdrawn) {
				return unavailable("the store does not answer in time")
			}
			patience = nil
		case <-ctx.Done():
			return ErrClosed
		}
	}
}

// write is the one writer. It ends with ctx, or when the store is lost.
func (j *journal) write(ctx context.Context) {
	var left *commit
	for {
		var group []*commit
		group, left = j.gather(ctx, left)
		if len(group) == 0 || !j.persist(ctx, group) {
			return
		}
	}
}

// gather takes what waits, as far as it fits into one commit; left is what did not.
// Nothing: ctx has ended.
func (j *journal) gather(ctx context.Context, first *commit) (group []*commit, left *commit) {
	size := 0
	add := func(c *commit) {
		if c.fate.CompareAndSwap(waiting, taken) || c == first {
			group = append(group, c)
			size += len(c.entry.Text)
		}
	}
	if first != nil {
		add(first)
	}
	for len(group) == 0 {
		select {
		case c := <-j.in:
			add(c)
		case <-ctx.Done():
			return nil, nil
		}
	}
	for len(group) < j.rules.Group {
		select {
		case c := <-j.in:
			if size+len(c.entry.Text) > maxGroupBytes && c.fate.CompareAndSwap(waiting, taken) {
				return group, c
			}
			add(c)
		default:
			return group, nil
		}
	}
	return group, nil
}

// persist tries until the store has taken the group: an outage of the store
// delays every saga, and loses and reorders nothing. What the store refuses is
// taken out of the group, so that it holds up nobody else. False: no more.
func (j *journal) persist(ctx context.Context, group []*commit) bool {
	es := make([]store.Entry, len(group))
	for i, c := range group {
		es[i] = c.entry
	}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		err := j.store.Append(ctx, es)
		remedy := TryAgain
		if err != nil {
			remedy = j.rules.StoreFailed(err)
		}
		var refused *store.RefusedError
		switch {
		case err == nil || ctx.Err() == nil && remedy == Ignore:
			j.health.Well(store.Writing)
			for _, c := range group {
				c.done <- nil
			}
			return true
		case ctx.Err() != nil, remedy == GiveUp, errors.Is(err, store.ErrLost):
			return false
		case errors.As(err, &refused) && len(group) == 1:
			group[0].done <- err
			return true
		case errors.As(err, &refused):
			half := len(group) / 2
			return j.persist(ctx, group[:half]) && j.persist(ctx, group[half:])
		}
		j.health.Trouble(store.Writing, err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}
