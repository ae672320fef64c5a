package reference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// Inspection is what a store says of one saga.
type Inspection struct {
	saga.Report
	Name    string // of its kind; empty if it can't be read
	Entries int    // of its journal
	Began   time.Time
	Latest  time.Time // of its records; zero if nothing can be read
	Damage  error     // why it can't be read; nil: it can
	good    int       // entries before the damage
}

// Summary is one line about the saga: its id, its status, and what is known besides.
func (in Inspection) Summary() string {
	s := fmt.Sprintf("%s  %s", in.ID, in.Status)
	if in.Name != "" {
		s += fmt.Sprintf("  %q", in.Name)
	}
	s += fmt.Sprintf("  %d entries", in.Entries)
	if !in.Latest.IsZero() {
		s += ", latest " + in.Latest.Format(time.RFC3339)
	}
	return s
}

// Inspect reads sagas from a store: one, or with "" all that have not ended. It
// changes nothing. A SQLite file must not be held by an executor. A saga that is not
// there is ErrNotFound.
func Inspect(ctx context.Context, dsn, id string) ([]Inspection, error) {
	s, err := store.OpenForPerson(ctx, dsn, false)
	if err != nil {
		return nil, err
	}
	list, err := inspect(ctx, s, id)
	return list, errors.Join(err, s.Close())
}

func inspect(ctx context.Context, s store.Store, id string) (list []Inspection, err error) {
	ids := []string{id}
	if id == "" {
		if ids, _, err = s.Open(ctx); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		in, _, err := look(ctx, s, id)
		if err != nil {
			return nil, err
		}
		list = append(list, in)
	}
	return list, nil
}

// look reads a saga as far as it can be read: state is nil if nothing can.
func look(ctx context.Context, s store.Store, id string) (in Inspection, state *State, err error) {
	var es []entry
	err = s.Load(ctx, id, decoded(func(e entry) error {
		es = append(es, e)
		return nil
	}))
	if err != nil && !store.IsDamage(err) {
		return in, nil, err
	}
	if err == nil && len(es) == 0 {
		var open []string
		if open, _, err = s.Open(ctx); err != nil {
			return in, nil, err
		}
		if !slices.Contains(open, id) {
			return in, nil, ErrNotFound
		}
		err = errNoEntries
	}
	in = Inspection{Report: saga.Report{ID: id, Status: saga.Stuck}, Entries: len(es), Damage: err}
	for good := len(es); good > 0; good-- {
		var broken error
		if state, broken = replaySafely(es[:good], nil); broken == nil {
			in.good = good
			break
		}
		in.Damage, state = broken, nil // of the first entry that is, in the end
	}
	if state == nil {
		return in, nil, nil
	}
	in.Report, in.Name, in.Latest = state.report(), state.Def.Name, state.latest
	in.Began = es[0].records[0].At
	if in.Damage != nil {
		in.Status = saga.Stuck
	}
	return in, state, nil
}

// Repair says what to do with a saga that can't be read.
type Repair string

// The ways to repair a saga. Both keep what they take away in the store's table of
// things set aside.
const (
	// KeepReadable goes on from the last entry that can be read. What was attempted
	// after it is not known, so that every action that has no outcome counts as one
	// whose outcome is unknown: it is attempted again under the same key, or undone.
	KeepReadable Repair = "keep-readable"
	// SetAside takes the whole saga away: nothing more is done for it.
	SetAside Repair = "set-aside"
)

// RepairSaga repairs a saga in a store that no executor is at work on. A saga that
// can be read is left alone.
func RepairSaga(ctx context.Context, dsn, id string, how Repair) error {
	s, err := store.OpenForPerson(ctx, dsn, true)
	if err != nil {
		return err
	}
	return errors.Join(repair(ctx, s, id, how), s.Close())
}

func repair(ctx context.Context, s store.Store, id string, how Repair) error {
	in, state, err := look(ctx, s, id)
	switch {
	case err != nil:
		return err
	case in.Damage == nil:
		return fmt.Errorf("saga %q can be read: nothing to repair", id)
	case how == SetAside:
		return s.SetAside(ctx, id, 1)
	case state == nil:
		return fmt.Errorf("saga %q: nothing of it can be read: it can only be set aside", id)
	}
	n := in.good + 1
	if err := s.SetAside(ctx, id, n); err != nil {
		return err
	}
	records := state.recover(time.Now())
	for i := range state.Def.Steps {
		records = append(records, state.doubt(Ref{i, saga.Action}, time.Now())...)
	}
	stored, err := entry{saga: id, n: n, records: records}.encode()
	if err != nil {
		return err
	}
	return s.Append(ctx, []store.Entry{stored})
}

// doubt is an attempt of an action that may have been made.
func (s *State) doubt(r Ref, now time.Time) []Record {
	if o := s.Op(r); o.Settled() || o.Open || o.Attempts > 0 {
		return nil // known, or in doubt already
	}
	intent := Record{Kind: RecordIntent, At: now, Step: r.Step, Direction: r.Dir, Attempt: 1}
	outcome := intent
	outcome.Kind, outcome.Answer, outcome.Interrupted = RecordOutcome, saga.Transient, true
	return []Record{intent, outcome}
}
