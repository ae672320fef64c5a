package reference

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/reference/policies"
)

// flags are those that were thrown and not taken back. One that has expired is off.
type flags struct {
	any     atomic.Bool // there are some
	mu      sync.Mutex
	set     map[policies.FlagName]policies.Flag
	changed chan struct{} // closed when they change
}

func newFlags() flags {
	return flags{set: map[policies.FlagName]policies.Flag{}, changed: make(chan struct{})}
}

// during changes them.
func (f *flags) during(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	f.any.Store(len(f.set) > 0)
	close(f.changed)
	f.changed = make(chan struct{})
}

// follow takes over what a file of policies says of flags: those that stand in it anew or
// differently, and not any more those that stood in the file before it.
func (f *flags) follow(before, now *policies.File) {
	f.during(func() {
		for _, flag := range flagsOf(before) {
			if f.set[flag.Name].Expires.Equal(flag.Expires) && f.set[flag.Name].Author == flag.Author {
				delete(f.set, flag.Name)
			}
		}
		for _, flag := range flagsOf(now) {
			f.set[flag.Name] = flag
		}
	})
}

func flagsOf(f *policies.File) []policies.Flag {
	if f == nil {
		return nil
	}
	return f.Flags
}

// first is a flag that is on and fits, and a channel that is closed when flags change.
func (f *flags) first(now time.Time, fits func(policies.Flag) bool) (flag policies.Flag, found bool, changed <-chan struct{}) {
	if !f.any.Load() {
		return flag, false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range policies.FlagNames() {
		if flag, there := f.set[name]; there && flag.On(now) && fits(flag) {
			return flag, true, f.changed
		}
	}
	return policies.Flag{}, false, nil
}

// Flags lists those that are on.
func (e *Executor) Flags() []policies.Flag {
	f := &e.control.flags
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []policies.Flag{}
	for _, name := range slices.Sorted(maps.Keys(f.set)) {
		if flag := f.set[name]; flag.On(e.now()) {
			list = append(list, flag)
		}
	}
	return list
}

// SetFlag throws a flag. When it returns nil the flag is durable and on: what begins after
// that keeps to it. The error joins a yamlfile.Problem for each mistake.
func (e *Executor) SetFlag(ctx context.Context, flag policies.Flag, by By) error {
	if err := flag.Validate(); err != nil {
		return err
	}
	if now := e.now(); !flag.On(now) || flag.Expires.After(now.Add(bounds.Duration)) {
		return &yamlfile.Problem{Field: "expires", Reason: fmt.Sprintf("%s: expected a time to come, within %v", flag.Expires.Format(time.RFC3339), bounds.Duration)}
	}
	return e.change(ctx, func(c *control) (*Change, error) {
		e.log.Warn("flag on", "flag", string(flag.Name), "author", flag.Author, "reason", flag.Reason, "expires", flag.Expires)
		by.Author, by.Reason = flag.Author, flag.Reason
		return &Change{Flag: &flag, By: by}, nil
	})
}

// ClearFlag takes a flag back before it expires. One that is off stays so.
func (e *Executor) ClearFlag(ctx context.Context, name policies.FlagName, by By) error {
	if !slices.Contains(policies.FlagNames(), name) {
		return &yamlfile.Problem{Field: "name", Reason: fmt.Sprintf("%q: expected one of %v", name, policies.FlagNames())}
	}
	if err := policies.CheckSaid(by.Author, by.Reason); err != nil {
		return err
	}
	return e.change(ctx, func(c *control) (*Change, error) {
		if !slices.ContainsFunc(e.Flags(), func(f policies.Flag) bool { return f.Name == name }) {
			return nil, nil
		}
		e.log.Warn("flag off", "flag", string(name), "author", by.Author, "reason", by.Reason)
		return &Change{Off: name, By: by}, nil
	})
}

// refusesSagas is why new sagas are refused; nil: they are not.
func (e *Executor) refusesSagas(id string) error {
	flag, on, _ := e.control.flags.first(e.now(), e.rules.Refuses)
	if !on {
		return nil
	}
	e.log.Info("saga refused", "saga", id, "flag", string(flag.Name))
	return unavailable(fmt.Sprintf("the flag %s is on", flag.Name))
}

// heldBy finds a flag that holds attempt n back.
func (o *operation) heldBy(n int) (flag policies.Flag, held bool, changed <-chan struct{}) {
	e := o.run.e
	return e.control.flags.first(e.now(), func(f policies.Flag) bool { return e.rules.Holds(f, o.op, n) })
}

// awaitFlags waits until no flag holds the next attempt back. Held: one did, which is
// written down.
func (o *operation) awaitFlags() (held bool) {
	for {
		flag, on, changed := o.heldBy(o.made + 1)
		if !on || o.waiting.Err() != nil {
			return held
		}
		now := o.run.e.now()
		if !held {
			held = true
			o.report(Record{Kind: recHeld, At: now, Attempt: o.made + 1, Flag: flag.Name})
		}
		timer := time.NewTimer(flag.Expires.Sub(now))
		select {
		case <-timer.C:
		case <-changed:
		case <-o.waiting.Done():
		}
		timer.Stop()
	}
}
