package store

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// Memory keeps journals in memory, for tests: what it took outlives its executor, which
// closes it, and the next one that it is given to.
type Memory struct {
	mu       sync.Mutex
	journals map[string][]Entry
	ended    map[string]time.Time // of the sagas that are listed; zero: it is open
	breakers map[string]Breaker
	kept     string
}

var _ Store = (*Memory)(nil)

// NewMemory makes an empty one.
func NewMemory() *Memory {
	return &Memory{journals: map[string][]Entry{}, ended: map[string]time.Time{}, breakers: map[string]Breaker{}}
}

// Append adds what is not there yet.
func (m *Memory) Append(_ context.Context, es []Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range es {
		m.append(e)
	}
	return nil
}

func (m *Memory) append(e Entry) {
	byNumber := func(a Entry, n int) int { return cmp.Compare(a.N, n) }
	if i, there := slices.BinarySearchFunc(m.journals[e.Saga], e.N, byNumber); !there {
		m.journals[e.Saga] = slices.Insert(m.journals[e.Saga], i, Entry{Saga: e.Saga, N: e.N, Text: e.Text})
	}
	_, listed := m.ended[e.Saga]
	if e.Begins && !listed {
		m.ended[e.Saga], listed = time.Time{}, true
	}
	if !e.Ended.IsZero() && listed {
		m.ended[e.Saga] = e.Ended
	}
	for _, b := range e.Breakers {
		if before, known := m.breakers[b.Name]; known && before.Seq >= b.Seq {
			continue
		}
		m.breakers[b.Name] = b
		if b.State == "" {
			delete(m.breakers, b.Name)
		}
	}
}

// Open lists the sagas that have not ended.
func (m *Memory) Open(context.Context) (ids []string, any bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(m.ended)) {
		if m.ended[id].IsZero() {
			ids = append(ids, id)
		}
	}
	return ids, len(m.ended) > len(ids), nil
}

// Since lists those too that ended after a time.
func (m *Memory) Since(ctx context.Context, after time.Time, most int) ([]string, error) {
	ids, _, err := m.Open(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(m.ended)) {
		if end := m.ended[id]; !end.IsZero() && !end.Before(after) {
			ids = append(ids, id)
		}
	}
	return ids[:min(most, len(ids))], err
}

// Latest lists the last that ended before the others.
func (m *Memory) Latest(ctx context.Context, after time.Time, most int) ([]string, error) {
	ids, err := m.Since(ctx, after, math.MaxInt)
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.SortStableFunc(ids, func(a, b string) int {
		switch x, y := m.ended[a], m.ended[b]; {
		case x.IsZero(), y.IsZero(): // these come first already
			return 0
		default:
			return y.Compare(x)
		}
	})
	return ids[:min(most, len(ids))], err
}

// Holds lists those of some sagas that have entries.
func (m *Memory) Holds(_ context.Context, ids []string) (held []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if len(m.journals[id]) > 0 {
			held = append(held, id)
		}
	}
	return held, nil
}

// Load yields the entries of a saga.
func (m *Memory) Load(_ context.Context, id string, yield func(Entry) error) error {
	m.mu.Lock()
	es := slices.Clone(m.journals[id])
	m.mu.Unlock()
	for _, e := range es {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// Breakers lists the states of breakers.
func (m *Memory) Breakers(context.Context) (states []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.breakers)) {
		states = append(states, m.breakers[name].State)
	}
	return states, nil
}

// Prune removes the sagas that ended before a time.
func (m *Memory) Prune(_ context.Context, before time.Time, keep Fold) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	var gone [][]Entry
	for _, id := range slices.Sorted(maps.Keys(m.ended)) {
		if end := m.ended[id]; !end.IsZero() && end.Before(before) {
			ids, gone = append(ids, id), append(gone, m.journals[id])
		}
	}
	if keep != nil && len(ids) > 0 {
		kept, err := keep(m.kept, gone)
		if err != nil {
			return 0, err
		}
		m.kept = kept
	}
	for _, id := range ids {
		delete(m.ended, id)
		delete(m.journals, id)
	}
	return len(ids), nil
}

// Kept is what is kept of sagas that were removed.
func (m *Memory) Kept(context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept, nil
}

// Each yields all entries.
func (m *Memory) Each(ctx context.Context, yield func(Entry) error) error {
	m.mu.Lock()
	ids := slices.Sorted(maps.Keys(m.journals))
	m.mu.Unlock()
	for _, id := range ids {
		if err := m.Load(ctx, id, yield); err != nil {
			return err
		}
	}
	return nil
}

// SetAside drops the entries of a saga from n on.
func (m *Memory) SetAside(_ context.Context, id string, n int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.journals[id] = slices.DeleteFunc(m.journals[id], func(e Entry) bool { return e.N >= n })
	if n == 1 {
		delete(m.ended, id)
		delete(m.journals, id)
	} else if _, listed := m.ended[id]; listed {
		m.ended[id] = time.Time{}
	}
	return nil
}

// Lost is never closed: nobody else has it.
func (m *Memory) Lost() <-chan struct{} { return nil }

// Owned tells that it is ours.
func (m *Memory) Owned() error { return nil }

// Close ends nothing.
func (m *Memory) Close() error { return nil }
