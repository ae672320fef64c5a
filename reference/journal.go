package reference

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// ErrClosed is returned when the executor is closed or closing.
var ErrClosed = errors.New("the executor is closed")

// store keeps journals. Only the journal's writer calls append, one call at a
// time.
type store interface {
	// append makes all entries durable, or none, and does nothing for entries
	// that are there already: after an error it is called again with the same.
	append(ctx context.Context, es []entry) error
	// load yields the entries of one saga, or of all with "", by saga and number.
	load(ctx context.Context, id string, yield func(entry) error) error
	close() error
}

// openStore opens the store that a DSN names.
func openStore(ctx context.Context, dsn string) (store, error) {
	if dsn == "" {
		return nil, errors.New("store: no DSN: expected a SQLite file or postgres://…")
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return openPostgres(ctx, dsn)
	}
	return openSQLite(ctx, dsn)
}

// journal commits the entries of all sagas in groups: while one commit is on its
// way to the disk, the next group gathers.
type journal struct {
	store   store
	log     *slog.Logger
	in      chan commit
	defects defects
}

type commit struct {
	entry entry
	done  chan struct{}
}

// maxGroup bounds how much one commit holds.
const maxGroup = 512

func newJournal(s store, log *slog.Logger, d defects) *journal {
	return &journal{store: s, log: log, in: make(chan commit, maxGroup), defects: d}
}

// append returns when the entry is durable; the only error is the end of ctx.
func (j *journal) append(ctx context.Context, e entry) error {
	c := commit{entry: e, done: make(chan struct{})}
	select {
	case j.in <- c:
	case <-ctx.Done():
		return ErrClosed
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return ErrClosed
	}
}

// write is the one writer. It ends with ctx.
func (j *journal) write(ctx context.Context) {
	for {
		group, ok := j.gather(ctx)
		if !ok || !j.persist(ctx, group) {
			return
		}
		for _, c := range group {
			close(c.done)
		}
	}
}

func (j *journal) gather(ctx context.Context) ([]commit, bool) {
	var group []commit
	select {
	case c := <-j.in:
		group = append(group, c)
	case <-ctx.Done():
		return nil, false
	}
	for len(group) < maxGroup && !j.defects.on("commit-one-by-one") {
		select {
		case c := <-j.in:
			group = append(group, c)
		default:
			return group, true
		}
	}
	return group, true
}

// persist tries until the store has taken the group: an outage of the store
// delays every saga, and loses and reorders nothing.
func (j *journal) persist(ctx context.Context, group []commit) bool {
	es := make([]entry, len(group))
	for i, c := range group {
		es[i] = c.entry
	}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		err := j.store.append(ctx, es)
		if err == nil {
			return true
		}
		if ctx.Err() != nil || j.defects.on("stop-on-store-error") {
			return false
		}
		if j.defects.loseWrites() {
			return true
		}
		j.log.Warn("store failed, trying again", "error", err, "wait", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}
