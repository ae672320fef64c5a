package reference

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// entry is the records that one saga commits together: all of them or none.
type entry struct {
	saga    string
	n       int // from 1, without gaps within a saga
	records []Record
	ended   time.Time // when the saga ended with it; zero: it goes on
	text    string    // the records as they are stored
	damage  error     // why they can't be read
}

// encode fills in the text.
func (e *entry) encode() error {
	records := e.records
	if len(records) > 0 && records[0].Definition != nil {
		records = slices.Clone(records)
		records[0] = records[0].withBodiesApart()
	}
	b, err := json.Marshal(records)
	e.text = string(b)
	return err
}

// decodeEntry reads a stored entry. One that can't be read says so in damage: it is
// trouble of its own saga, not of the store.
func decodeEntry(id string, n int, text string) entry {
	e := entry{saga: id, n: n, text: text}
	e.damage = json.Unmarshal([]byte(text), &e.records)
	for i := range e.records {
		if e.damage == nil {
			e.damage = e.records[i].putBodiesBack()
		}
	}
	if e.damage != nil {
		e.damage = fmt.Errorf("journal of saga %q, entry %d: %w", id, n, e.damage)
	}
	return e
}
