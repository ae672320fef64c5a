package reference

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"
)

// store keeps journals. Only the journal's writer calls append, one call at a
// time. An executor reads and writes only while the store is its own.
type store interface {
	// append makes all encoded entries durable, or none, and does nothing for
	// entries that are there already: after an error it is called again with the
	// same. A refusedError is about the entries, errLost about the store's owner;
	// any other may pass.
	append(ctx context.Context, es []entry) error
	// open lists the sagas that have not ended; any: there are others.
	open(ctx context.Context) (ids []string, any bool, err error)
	// since lists sagas that have not ended, or ended after a time: so many at the most.
	since(ctx context.Context, after time.Time, most int) ([]string, error)
	// load yields the entries of a saga by number.
	load(ctx context.Context, id string, yield func(entry) error) error
	// breakers lists the states of breakers that were stored.
	breakers(ctx context.Context) ([]breakerState, error)
	// prune removes some sagas that ended before a time, and says how many. What keep makes
	// of them, if it is not nil, is kept in the same transaction.
	prune(ctx context.Context, before time.Time, keep fold) (int, error)
	// kept is what is kept of sagas that were removed; "": nothing.
	kept(ctx context.Context) (string, error)
	// each yields the entries of all sagas, one saga after the other, by number.
	each(ctx context.Context, yield func(entry) error) error
	// setAside takes the entries of a saga from n on away, to where a person can look
	// at them; from 1 on, the saga is gone.
	setAside(ctx context.Context, id string, n int) error
	// lost is closed when the store is no longer ours, and never will be.
	lost() <-chan struct{}
	// owned: it is still ours, as far as can be known.
	owned() error
	close() error
}

// refusedError: the store takes everything but this; trying again would not help.
type refusedError struct{ error }

func (e *refusedError) Unwrap() error { return e.error }

// errLost is what an append finds when the store is no longer ours.
var errLost = errors.New("the store is no longer this executor's")

// openStore opens the store that a DSN names, and waits until it is ours.
func openStore(ctx context.Context, o Options) (store, error) {
	dsn := o.StoreDSN
	if dsn == "" {
		return nil, errors.New("store: no DSN: expected a SQLite file or postgres://…")
	}
	if isPostgres(dsn) {
		return openPostgres(ctx, o)
	}
	return openSQLite(ctx, o)
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// journal commits the entries of all sagas in groups: while one commit is on its
// way to the disk, the next group gathers.
type journal struct {
	store  store
	health *health
	in     chan *commit
	rules  *Rules
}

// commit is an entry on its way. It can be taken back until the writer has it.
type commit struct {
	entry entry
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

func newJournal(s store, h *health, r *Rules) *journal {
	return &journal{store: s, health: h, in: make(chan *commit, maxGroup), rules: r}
}

// append returns when the entry is durable. The error is a refusedError, or
// ErrClosed, or unavailable for a first entry that was taken back: a saga whose
// acceptance the store does not take in time was never accepted.
func (j *journal) append(ctx context.Context, e entry) error {
	if err := e.encode(); err != nil {
		return &refusedError{err}
	}
	c := &commit{entry: e, done: make(chan error, 1)}
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
			size += len(c.entry.text)
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
			if size+len(c.entry.text) > maxGroupBytes && c.fate.CompareAndSwap(waiting, taken) {
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
	es := make([]entry, len(group))
	for i, c := range group {
		es[i] = c.entry
	}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		err := j.store.append(ctx, es)
		remedy := TryAgain
		if err != nil {
			remedy = j.rules.StoreFailed(err)
		}
		var refused *refusedError
		switch {
		case err == nil || ctx.Err() == nil && remedy == Ignore:
			j.health.well(writing)
			for _, c := range group {
				c.done <- nil
			}
			return true
		case ctx.Err() != nil, remedy == GiveUp, errors.Is(err, errLost):
			return false
		case errors.As(err, &refused) && len(group) == 1:
			group[0].done <- err
			return true
		case errors.As(err, &refused):
			half := len(group) / 2
			return j.persist(ctx, group[:half]) && j.persist(ctx, group[half:])
		}
		j.health.trouble(writing, err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}
