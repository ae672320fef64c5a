package reference

import (
	"context"
	"slices"
	"sync"
)

// lookups ask the store for which of some ids it holds entries, many in one question:
// who comes while one is under way waits for the next.
type lookups struct {
	ask   func(ids []string) (known []string, err error)
	spawn func(func())

	mu      sync.Mutex
	asking  bool
	waiting []lookup
}

type lookup struct {
	id     string
	answer chan<- looked
}

type looked struct {
	known bool
	err   error
}

// mostLookups is how many ids one question has.
const mostLookups = 500

// known tells whether the store holds a saga of that id.
func (l *lookups) known(ctx context.Context, id string) (bool, error) {
	answer := make(chan looked, 1)
	l.mu.Lock()
	l.waiting = append(l.waiting, lookup{id, answer})
	if !l.asking {
		l.asking = true
		l.spawn(l.work)
	}
	l.mu.Unlock()
	select {
	case a := <-answer:
		return a.known, a.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// work asks until nobody waits.
func (l *lookups) work() {
	for {
		l.mu.Lock()
		batch := l.waiting[:min(mostLookups, len(l.waiting))]
		l.waiting = l.waiting[len(batch):]
		l.asking = len(batch) > 0
		l.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		l.answer(batch)
	}
}

func (l *lookups) answer(batch []lookup) {
	ids := make([]string, len(batch))
	for i, q := range batch {
		ids[i] = q.id
	}
	known, err := l.ask(ids)
	slices.Sort(known)
	for _, q := range batch {
		_, is := slices.BinarySearch(known, q.id)
		q.answer <- looked{is, err}
	}
}
