package reference

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/reference/store"
)

// entry is the records that one saga commits together: all of them or none.
type entry struct {
	saga    string
	n       int // from 1, without gaps within a saga
	records []Record
	ended   time.Time // when the saga ended with it; zero: it goes on
	damage  error     // why they can't be read
}

// encode is the entry as it is stored.
func (e entry) encode() (store.Entry, error) {
	records := e.records
	if len(records) > 0 && records[0].Definition != nil {
		records = slices.Clone(records)
		records[0] = records[0].withBodiesApart()
	}
	text, err := json.Marshal(records)
	stored := store.Entry{Saga: e.saga, N: e.n, Text: string(text), Begins: e.n == 1 && e.saga != controlID, Ended: e.ended}
	for i := range e.records {
		if state := e.records[i].Breaker; state != nil && err == nil {
			var b store.Breaker
			b, err = state.encode()
			stored.Breakers = append(stored.Breakers, b)
		}
	}
	return stored, err
}

// decodeEntry reads a stored entry. One that can't be read says so in damage: it is
// trouble of its own saga, not of the store.
func decodeEntry(stored store.Entry) entry {
	e := entry{saga: stored.Saga, n: stored.N}
	e.damage = json.Unmarshal([]byte(stored.Text), &e.records)
	for i := range e.records {
		if e.damage == nil {
			e.damage = e.records[i].putBodiesBack()
		}
	}
	if e.damage != nil {
		e.damage = fmt.Errorf("journal of saga %q, entry %d: %w", e.saga, e.n, e.damage)
	}
	return e
}

// decoded is who takes stored entries for one who takes what they say.
func decoded(yield func(entry) error) func(store.Entry) error {
	return func(stored store.Entry) error { return yield(decodeEntry(stored)) }
}
