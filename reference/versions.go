package reference

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// A definition may say which version of its kind of saga it is. It is a part of what the journal keeps, so that
// a saga under way keeps its own, whatever is submitted later. What became of the sagas of each version is read
// from the journals when somebody asks.

// VersionsQuery chooses sagas.
type VersionsQuery struct {
	Name  string    // of their kind; empty: all
	Since time.Time // none that ended before

	most int // sagas of one answer; 0: mostCompared
}

// Versions are what sagas have come to, by name and version.
type Versions struct {
	Versions []VersionSums `json:"versions"`
	// Cut: there are more sagas than were read, which are those that are open, and the last that ended.
	Cut bool `json:"cut,omitempty"`
}

// VersionSums are the sagas of one version.
type VersionSums struct {
	Name    string              `json:"name"`
	Version string              `json:"version"` // empty: their definitions name none
	Sagas   int                 `json:"sagas"`
	Ends    map[saga.Status]int `json:"ends"` // of those that are over, by how
	Open    int                 `json:"open"` // that go on by themselves
	Paused  int                 `json:"paused"`
	Stuck   int                 `json:"stuck"` // that need a person, with those that can be read in part only
	// MedianMS and P95MS are how long those took that have ended by themselves, from their acceptance; 0: none has.
	MedianMS      int64 `json:"median_ms"`
	P95MS         int64 `json:"p95_ms"`
	Calls         int   `json:"calls"`
	Retries       int   `json:"retries"`       // calls that were not the first of their operation, nor a repair
	Compensations int   `json:"compensations"` // that are done

	took []time.Duration
}

// What bounds one answer: the sagas in it, and those that are looked at for their name.
const (
	mostCompared = 10_000
	mostLookedAt = 100_000
)

// Versions compares the sagas of each version. The error is ErrUnavailable.
func (e *Executor) Versions(ctx context.Context, q VersionsQuery) (Versions, error) {
	ctx, cancel := context.WithTimeout(ctx, auditPatience)
	defer cancel()
	v, err := versionsOf(ctx, e.store, e.rules, q)
	if err != nil && ctx.Err() != nil {
		return v, unavailable("it takes too long to read them: ask with --since (since=), or for one name")
	}
	if err != nil {
		e.log.Error("versions can't be compared", "error", err)
		err = unavailable("can't " + store.Reading)
	}
	return v, err
}

// ReadVersions compares them in a store. A SQLite file must not be held by an executor.
func ReadVersions(ctx context.Context, dsn string, q VersionsQuery) (v Versions, err error) {
	s, err := store.OpenForPerson(ctx, dsn, false)
	if err != nil {
		return v, err
	}
	v, err = versionsOf(ctx, s, rules, q)
	return v, errors.Join(err, s.Close())
}

// errOtherName ends the reading of a saga that was not asked for.
var errOtherName = errors.New("it has another name")

// versionsOf reads the last sagas first. Where time is up, what was read is the answer.
func versionsOf(ctx context.Context, s store.Store, r *Rules, q VersionsQuery) (v Versions, err error) {
	ids, err := s.Latest(ctx, q.Since, mostLookedAt+1)
	if err != nil {
		return v, err
	}
	if len(ids) > mostLookedAt {
		ids, v.Cut = ids[:mostLookedAt], true
	}
	type key struct{ name, version string }
	sums, read := map[key]*VersionSums{}, 0
	for _, id := range ids {
		one, known, err := livedOf(ctx, s, r, id, q.Name)
		if known && read == cmp.Or(q.most, mostCompared) || ctx.Err() != nil && read > 0 {
			v.Cut = true
			break
		}
		if err != nil {
			return Versions{}, err
		}
		if !known {
			continue
		}
		read++
		k := key{one.Name, one.Version}
		if sums[k] == nil {
			sums[k] = &VersionSums{Name: k.name, Version: k.version, Ends: map[saga.Status]int{}}
		}
		sums[k].add(one)
	}
	v.Versions = []VersionSums{}
	for _, one := range sums {
		slices.Sort(one.took)
		one.MedianMS, one.P95MS = one.quantile(0.5), one.quantile(0.95)
		v.Versions = append(v.Versions, *one)
	}
	slices.SortFunc(v.Versions, func(x, y VersionSums) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Version, y.Version))
	})
	return v, nil
}

// livedOf is one saga; unknown: it has another name, or nothing of it can be read.
func livedOf(ctx context.Context, s store.Store, r *Rules, id, name string) (one VersionSums, known bool, err error) {
	var st *State
	var over time.Time
	broken := false
	err = s.Load(ctx, id, decoded(func(en entry) error {
		if broken {
			return nil
		}
		next, err := replaySafelyOnto(st, en, r)
		if err != nil || next == nil {
			broken = true // it is in quarantine: what came before is so
			return nil
		}
		if st = next; name != "" && st.Def.Name != name {
			return errOtherName
		}
		switch ended := st.status().Over(); {
		case !ended:
			over = time.Time{}
		case over.IsZero():
			over = st.latest
		}
		return nil
	}))
	if errors.Is(err, errOtherName) {
		return one, false, nil
	}
	if err != nil || st == nil {
		return one, false, err
	}
	return st.sums(over, broken), true, nil
}

// sums are those of one saga, which was over at that time, or is broken.
func (s *State) sums(over time.Time, broken bool) VersionSums {
	one := VersionSums{Name: s.Def.Name, Version: s.Def.Version, Sagas: 1, Ends: map[saga.Status]int{}}
	switch status := s.status(); {
	case broken || status == saga.Stuck:
		one.Stuck = 1
	case status.Over():
		one.Ends[status] = 1
		if status != saga.EndedByHand { // else it took what a person took
			one.took = []time.Duration{max(0, over.Sub(s.accepted))}
		}
	case s.Paused != nil:
		one.Paused = 1
	default:
		one.Open = 1
	}
	for _, round := range append(s.past[:len(s.past):len(s.past)], pastRound{s.Actions, s.Undos}) {
		for _, o := range append(round.actions[:len(round.actions):len(round.actions)], round.undos...) {
			one.Calls += o.Attempts
			one.Retries += max(0, o.Attempts-1)
		}
		for _, undo := range round.undos {
			if undo.Done() {
				one.Compensations++
			}
		}
	}
	for i := range s.Def.Steps {
		one.Retries -= s.repairsOf(i)
	}
	return one
}

func (v *VersionSums) add(one VersionSums) {
	v.Sagas += one.Sagas
	v.Open += one.Open
	v.Paused += one.Paused
	v.Stuck += one.Stuck
	v.Calls += one.Calls
	v.Retries += one.Retries
	v.Compensations += one.Compensations
	v.took = append(v.took, one.took...)
	for status, n := range one.Ends {
		v.Ends[status] += n
	}
}

// quantile is a time that so many of all took at the most, of times in order.
func (v *VersionSums) quantile(q float64) int64 {
	if len(v.took) == 0 {
		return 0
	}
	return v.took[max(0, int(math.Ceil(q*float64(len(v.took))))-1)].Milliseconds()
}
