// Package store keeps the journals of an executor: in a SQLite file, or in a PostgreSQL
// database. It knows nothing of sagas: an entry is a text that is there wholly or not at
// all, and what it says besides, that its saga begins or ends, and what became of breakers.
//
// Reading order: store.go (what a store is), sqlite.go and postgres.go (the two), lease.go
// (who owns a database), health.go and patience.go (what is done while one is out of reach).
//
// Goals: what Append took is there after any end of the process; only one executor at a
// time writes; what a past owner still sends changes nothing. Non-goals: to understand
// what it keeps, and more than one executor at work.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Store keeps journals. Only one goroutine calls Append, one call at a time. An executor
// reads and writes only while the store is its own.
type Store interface {
	// Append makes all entries durable, or none, and does nothing for entries that are
	// there already: after an error it is called again with the same. A RefusedError is
	// about the entries, ErrLost about the store's owner; any other may pass.
	Append(ctx context.Context, es []Entry) error
	// Open lists the sagas that have not ended; any: there are others.
	Open(ctx context.Context) (ids []string, any bool, err error)
	// Since lists sagas that have not ended, or ended after a time: so many at the most.
	Since(ctx context.Context, after time.Time, most int) ([]string, error)
	// Latest lists them with the last that ended before the others, after those that have not.
	Latest(ctx context.Context, after time.Time, most int) ([]string, error)
	// Holds lists those of some sagas that have entries.
	Holds(ctx context.Context, ids []string) ([]string, error)
	// Load yields the entries of a saga by number.
	Load(ctx context.Context, id string, yield func(Entry) error) error
	// Breakers lists the states of breakers that were stored.
	Breakers(ctx context.Context) (states []string, err error)
	// Prune removes some sagas that ended before a time, and says how many. What keep makes
	// of them, if it is not nil, is kept in the same transaction.
	Prune(ctx context.Context, before time.Time, keep Fold) (int, error)
	// Kept is what is kept of sagas that were removed; "": nothing.
	Kept(ctx context.Context) (string, error)
	// Each yields the entries of all sagas, one saga after the other, by number.
	Each(ctx context.Context, yield func(Entry) error) error
	// SetAside takes the entries of a saga from n on away, to where a person can look
	// at them; from 1 on, the saga is gone.
	SetAside(ctx context.Context, id string, n int) error
	// Lost is closed when the store is no longer ours, and never will be.
	Lost() <-chan struct{}
	// Owned: it is still ours, as far as can be known.
	Owned() error
	Close() error
}

// Entry is what one saga commits together: all of it or nothing. What is read back has
// its Saga, N and Text.
type Entry struct {
	Saga     string
	N        int       // from 1, without gaps within a saga
	Text     string    // as it is stored
	Begins   bool      // the saga is listed from now on, until it ends
	Ended    time.Time // when the saga ended with it; zero: it goes on
	Breakers []Breaker // what became of them
}

// Breaker is the state of a circuit breaker. A later one (Seq) replaces an earlier one.
type Breaker struct {
	Name  string
	Seq   int64
	State string // "": there is nothing to remember of it
}

// Fold makes of what is kept of removed sagas, and of the journals of those that are
// removed now, what is kept from now on; nil: nothing is kept.
type Fold func(kept string, gone [][]Entry) (string, error)

// RefusedError: the store takes everything but this; trying again would not help.
type RefusedError struct{ error }

// Refused is a RefusedError.
func Refused(err error) error { return &RefusedError{err} }

func (e *RefusedError) Unwrap() error { return e.error }

// The errors of a store that is not ours.
var (
	// ErrLost is what Append finds when the store is no longer ours.
	ErrLost       = errors.New("the store is no longer this executor's")
	ErrSuperseded = errors.New("another executor has taken over the store")
	ErrUnsure     = errors.New("the lease of the store could not be renewed in time")
	ErrReplaced   = errors.New("the file was removed or replaced: what is written to it now would be lost")
)

// ErrFolder is a store that is said to be a file, and is a folder.
var ErrFolder = errors.New("is a folder")

// Options say which store, and who hears of it.
type Options struct {
	DSN    string        // a SQLite file, FILE?synchronous=off, or postgres://…
	Lease  time.Duration // how long a silent owner of a PostgreSQL store stays its owner; 0: DefaultLease
	Logger *slog.Logger  // nil: nothing is logged
	Health *Health       // is told what is not possible meanwhile; nil: nobody is
}

// Open opens the store that a DSN names, and waits until it is ours.
func Open(ctx context.Context, o Options) (Store, error) {
	if o.DSN == "" {
		return nil, errors.New("store: no DSN: expected a SQLite file or postgres://…")
	}
	if isPostgres(o.DSN) {
		return openPostgres(ctx, o)
	}
	return openSQLite(ctx, o)
}

// CheckDSN says what is wrong with a DSN as such, before anything is opened or made: a mode that
// there is not, a folder, or a file in a folder that is not there.
func CheckDSN(dsn string) error {
	if isPostgres(dsn) {
		return nil
	}
	file, _, err := sqliteDSN(dsn)
	if err != nil {
		return err
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("store %q: %w: expected a file in it, or postgres://…", file, ErrFolder)
	}
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return fmt.Errorf("store %q: %w: expected a folder that is there; the file is made in it", file, err)
	}
	return nil
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// personPatience is how long a person waits for a store that somebody else may own.
const personPatience = 2 * time.Second

// OpenForPerson opens a store for a person at the command line, who wants to know at
// once if an executor is at work: to change what is in it, or only to read.
func OpenForPerson(ctx context.Context, dsn string, change bool) (Store, error) {
	o := Options{DSN: dsn}
	if isPostgres(dsn) && !change {
		return readPostgres(ctx, o)
	}
	if !isPostgres(dsn) {
		file, _, err := sqliteDSN(dsn)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(file)
		if err == nil && info.IsDir() {
			err = ErrFolder
		}
		if err != nil { // SQLite would make one
			return nil, fmt.Errorf("store %q: %w: expected the file that an executor has written", file, err)
		}
	}
	short, cancel := context.WithTimeout(ctx, personPatience)
	defer cancel()
	s, err := Open(short, o)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = errors.New("store: an executor is at work on it: stop it first")
	}
	return s, err
}
