package reference

import (
	"context"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Query chooses sagas that have not ended.
type Query struct {
	Status []saga.Status // none: any
	Name   string        // of their kind; empty: any
	// Version is that of their definition; nil: any.
	Version *string
	// OlderThan is how long ago they were accepted at the least.
	OlderThan time.Duration
}

// Listed is one of them.
type Listed struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Version  string       `json:"version,omitempty"`
	Status   saga.Status  `json:"status"`
	Accepted time.Time    `json:"accepted"`
	Paused   *saga.ByHand `json:"paused,omitempty"`
}

// mostListed bounds one answer.
const mostListed = 10_000

// listPatience bounds how long one may take.
const listPatience = 5 * time.Second

// List finds sagas that have not ended, in the order of their ids; cut: there are more. One in
// quarantine is not listed: nothing can be asked of it. The error is ErrUnavailable.
func (e *Executor) List(ctx context.Context, q Query) (all []Listed, cut bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	ids, _, err := e.store.Open(ctx)
	if err != nil {
		return nil, false, unavailable("can't read the store")
	}
	slices.Sort(ids)
	for _, id := range ids {
		f, err := e.find(ctx, id)
		switch {
		case ctx.Err() != nil:
			return nil, false, unavailable("it takes too long to find them")
		case err != nil || f.broken != nil:
			continue // it has ended meanwhile, or is in quarantine
		case len(all) == mostListed:
			return all, true, nil
		}
		if one := f.view.listed(); q.fits(one, e.now()) {
			all = append(all, one)
		}
	}
	return all, false, nil
}

func (v *view) listed() Listed {
	v.mu.Lock()
	defer v.mu.Unlock()
	return Listed{ID: v.s.Def.ID, Name: v.s.Def.Name, Version: v.s.Def.Version, Status: v.s.status(), Accepted: v.s.accepted, Paused: v.s.Paused}
}

func (q Query) fits(l Listed, now time.Time) bool {
	return (len(q.Status) == 0 || slices.Contains(q.Status, l.Status)) && (q.Name == "" || q.Name == l.Name) &&
		(q.Version == nil || *q.Version == l.Version) && now.Sub(l.Accepted) >= q.OlderThan
}
