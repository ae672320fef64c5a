package reference

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// breakers are the circuit breakers by name. Their state survives the executor.
type breakers struct {
	rules  *Rules
	mu     sync.Mutex
	byName map[string]*breaker
	users  map[string]*users
}

// users are the open sagas that name a breaker, and what they say of it.
type users struct {
	settings saga.Breaker
	first    string // the saga that said so first
	sagas    int
}

// DisagreeError: a saga names a breaker with other settings than an open saga does.
// All calls that name the same one share it, so that both can't be right.
type DisagreeError struct {
	Breaker, Saga string // of that name; that was first
	Field         string
}

func (e *DisagreeError) Error() string {
	return fmt.Sprintf("%s: breaker %q has other settings in saga %q, which is open", e.Field, e.Breaker, e.Saga)
}

// keepBreakers bounds the breakers in memory, as long as enough are closed.
const keepBreakers = 4096

// sweep forgets the closed breakers when there are too many: they begin again,
// with no failure counted.
func (bs *breakers) sweep() {
	if len(bs.byName) >= keepBreakers {
		maps.DeleteFunc(bs.byName, func(name string, b *breaker) bool { return b.cb.IsClosed() && bs.users[name] == nil })
	}
}

// get finds or makes the breaker; nil gives nil.
func (bs *breakers) get(b *saga.Breaker) *breaker {
	if b == nil {
		return nil
	}
	settings := *b
	bs.mu.Lock()
	defer bs.mu.Unlock()
	known := bs.byName[settings.Name]
	if known == nil || known.settings != settings { // nobody open says otherwise: see claim
		bs.sweep()
		known = newBreaker(settings, bs.rules)
		bs.byName[settings.Name] = known
	}
	return known
}

// claim counts an open saga among the users of its breakers, or says which of them
// another one has set differently.
func (bs *breakers) claim(d saga.Definition) error {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	mine := map[string]saga.Breaker{}
	err := eachBreaker(d, func(field string, b saga.Breaker) error {
		if u := bs.users[b.Name]; u != nil && u.settings != b {
			return &DisagreeError{Breaker: b.Name, Saga: u.first, Field: field}
		}
		if other, ok := mine[b.Name]; ok && other != b {
			return &definitions.InvalidError{Field: field, Reason: fmt.Sprintf("%q has other settings in another call", b.Name)}
		}
		mine[b.Name] = b
		return nil
	})
	if err != nil {
		return err
	}
	bs.use(d.ID, mine, 1)
	return nil
}

// hold counts a saga that was accepted in an earlier life; the first one's settings
// count.
func (bs *breakers) hold(d saga.Definition) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	bs.use(d.ID, breakersOf(d), 1)
}

// release is the end of claim or hold.
func (bs *breakers) release(d saga.Definition) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	bs.use(d.ID, breakersOf(d), -1)
}

func (bs *breakers) use(id string, named map[string]saga.Breaker, n int) {
	for name, b := range named {
		u := bs.users[name]
		if u == nil {
			if bs.users == nil {
				bs.users = map[string]*users{}
			}
			u = &users{settings: b, first: id}
			bs.users[name] = u
		}
		if u.sagas += n; u.sagas <= 0 {
			delete(bs.users, name)
		}
	}
}

func breakersOf(d saga.Definition) map[string]saga.Breaker {
	named := map[string]saga.Breaker{}
	_ = eachBreaker(d, func(_ string, b saga.Breaker) error {
		if _, ok := named[b.Name]; !ok {
			named[b.Name] = b
		}
		return nil
	})
	return named
}

func eachBreaker(d saga.Definition, f func(field string, b saga.Breaker) error) error {
	for i, s := range d.Steps {
		if b := s.Action.Breaker; b != nil {
			if err := f(fmt.Sprintf("steps[%d].action.breaker", i), *b); err != nil {
				return err
			}
		}
		if s.Compensation != nil && s.Compensation.Breaker != nil {
			if err := f(fmt.Sprintf("steps[%d].compensation.breaker", i), *s.Compensation.Breaker); err != nil {
				return err
			}
		}
	}
	return nil
}

// restore takes over what an earlier life left.
func (bs *breakers) restore(s breakerState, now time.Time) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := s.restore(now, bs.rules)
	bs.byName[s.Name] = b
}
