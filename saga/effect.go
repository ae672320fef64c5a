package saga

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Posting is one line of a double-entry booking: Amount is added to Account, in
// whole numbers of Unit (cents, pieces).
type Posting struct {
	Account string `json:"account" yaml:"account"`
	Amount  int64  `json:"amount" yaml:"amount"`
	Unit    string `json:"unit" yaml:"unit"`
}

// Write sets a register (the status of an order, the existence of a record) from
// one value to another. The empty value means that the record does not exist.
type Write struct {
	Register string `json:"register" yaml:"register"`
	From     string `json:"from" yaml:"from"`
	To       string `json:"to" yaml:"to"`
}

// Effect is what an operation changes in a ledger. It is also the body of the
// calls: a participant applies the effect that it is sent. Postings of one
// effect sum to zero for each unit.
type Effect struct {
	Postings []Posting `json:"postings,omitempty" yaml:"postings,omitempty"`
	Writes   []Write   `json:"writes,omitempty" yaml:"writes,omitempty"`
}

// IsZero tells whether the effect changes nothing.
func (e Effect) IsZero() bool { return len(e.Postings) == 0 && len(e.Writes) == 0 }

// Inverse is the effect that exactly undoes e: opposite amounts, writes turned
// round and in the opposite order.
func (e Effect) Inverse() Effect {
	var inv Effect
	for _, p := range e.Postings {
		inv.Postings = append(inv.Postings, Posting{p.Account, -p.Amount, p.Unit})
	}
	for _, w := range slices.Backward(e.Writes) {
		inv.Writes = append(inv.Writes, Write{w.Register, w.To, w.From})
	}
	return inv
}

// Equal compares two effects; the order of postings does not matter, since
// additions commute, the order of writes does.
func (e Effect) Equal(o Effect) bool {
	return slices.Equal(sortedPostings(e.Postings), sortedPostings(o.Postings)) && slices.Equal(e.Writes, o.Writes)
}

func sortedPostings(ps []Posting) []Posting {
	ps = slices.Clone(ps)
	slices.SortFunc(ps, func(a, b Posting) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Amount, b.Amount))
	})
	return ps
}

// String is a short form for people: "alice-4200EUR clearing+4200EUR order:new→paid".
func (e Effect) String() string {
	var parts []string
	for _, p := range e.Postings {
		parts = append(parts, fmt.Sprintf("%s%+d%s", p.Account, p.Amount, p.Unit))
	}
	for _, w := range e.Writes {
		parts = append(parts, fmt.Sprintf("%s:%s→%s", w.Register, orNone(w.From), orNone(w.To)))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, " ")
}

func orNone(v string) string {
	if v == "" {
		return "∅"
	}
	return v
}

// Body is the effect as the body of a call.
func (e Effect) Body() json.RawMessage {
	b, err := json.Marshal(e)
	if err != nil { // an Effect holds only strings and integers
		panic(err)
	}
	return b
}

// Validate checks that each posting and write is named and that the postings of
// each unit sum to zero (double entry).
func (e Effect) Validate() error {
	sums := map[string]int64{}
	for i, p := range e.Postings {
		if p.Account == "" || p.Unit == "" {
			return fmt.Errorf("postings[%d]: account and unit must be given", i)
		}
		sums[p.Unit] += p.Amount
	}
	for unit, sum := range sums {
		if sum != 0 {
			return fmt.Errorf("postings of unit %q sum to %d: expected 0 (double entry)", unit, sum)
		}
	}
	for i, w := range e.Writes {
		if w.Register == "" {
			return fmt.Errorf("writes[%d]: register must be given", i)
		}
	}
	return nil
}
