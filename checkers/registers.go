package checkers

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// registerWrite is one committed write of a register: what it found there and
// left, and what the definition of its saga expected it to find.
type registerWrite struct {
	event    *history.Event
	op       saga.Operation
	saga     *history.SagaRecord
	found    string
	left     string
	expected string
	told     bool // the definition says what was expected
}

// register is the life of one register: its writes in the order in which they
// had their effect, and the sagas that had a call to it received.
type register struct {
	name    string
	initial string
	writes  []registerWrite
	sagas   map[*history.SagaRecord]bool
}

// registersOf finds the registers of a history, by name. Linear.
func registersOf(h *history.History, ix *history.Index) []*register {
	all := map[string]*register{}
	at := func(name string) *register {
		r := all[name]
		if r == nil {
			r = &register{name: name, initial: h.Header.Registers[name], sagas: map[*history.SagaRecord]bool{}}
			all[name] = r
		}
		return r
	}
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			if h.Real(o.Op.Step) {
				continue
			}
			asked, err := o.Asked()
			if received(o) > 0 {
				for _, w := range asked.Writes {
					at(w.Register).sagas[s] = true
				}
			}
			for _, e := range o.Effects {
				for i, w := range writesOf(e) {
					r := at(w.Register)
					r.sagas[s] = true
					rw := registerWrite{event: e, op: o.Op, saga: s, found: w.From, left: w.To}
					rw.expected, rw.told = expectedBy(asked, writesOf(e)[:i], w.Register)
					rw.told = rw.told && err == nil
					r.writes = append(r.writes, rw)
				}
			}
		}
	}
	regs := slices.SortedFunc(maps.Values(all), func(a, b *register) int { return cmp.Compare(a.name, b.name) })
	for _, r := range regs {
		slices.SortStableFunc(r.writes, func(a, b registerWrite) int { return a.event.Seq - b.event.Seq })
	}
	return regs
}

func writesOf(e *history.Event) []saga.Write {
	if e.Effect == nil {
		return nil
	}
	return e.Effect.Writes
}

// expectedBy is what the asked effect expects the next write of a register to
// find, after those of it that came before.
func expectedBy(asked saga.Effect, before []saga.Write, name string) (value string, ok bool) {
	n := 0
	for _, w := range before {
		if w.Register == name {
			n++
		}
	}
	for _, w := range asked.Writes {
		if w.Register == name {
			if n == 0 {
				return w.From, true
			}
			n--
		}
	}
	return "", false
}

// before is the value that write i should have found, and the write that left
// it; nil: none did, it is the initial one.
func (r *register) before(i int) (value string, by *registerWrite) {
	if i == 0 {
		return r.initial, nil
	}
	return r.writes[i-1].left, &r.writes[i-1]
}

// lifetime is the time in which a saga was under way: from its submission to its
// end, or to its last call where that is later.
func lifetime(s *history.SagaRecord) (start, end int) {
	start, end = math.MaxInt, math.MaxInt
	for _, es := range [][]*history.Event{s.Submitted, s.Accepted, s.Calls} {
		if len(es) > 0 {
			start = min(start, es[0].Seq)
		}
	}
	if s.Ended != nil {
		end = s.Ended.Seq
		if n := len(s.Calls); n > 0 {
			end = max(end, s.Calls[n-1].Seq)
		}
	}
	return start, end
}

// together tells whether two sagas were under way at the same time.
func together(a, b *history.SagaRecord) bool {
	as, ae := lifetime(a)
	bs, be := lifetime(b)
	return as < be && bs < ae
}

// crowded are the sagas that touched the register while another one that touched
// it, too, was under way. Cost: sorting.
func (r *register) crowded() []*history.SagaRecord {
	type life struct {
		s          *history.SagaRecord
		start, end int
	}
	var lives []life
	for s := range r.sagas {
		start, end := lifetime(s)
		lives = append(lives, life{s, start, end})
	}
	slices.SortFunc(lives, func(a, b life) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.s.ID, b.s.ID)) })
	in := make([]bool, len(lives))
	longest := 0 // of those seen, the one that ends last
	for i := 1; i < len(lives); i++ {
		if lives[longest].end > lives[i].start {
			in[longest], in[i] = true, true
		}
		if lives[i].end > lives[longest].end {
			longest = i
		}
	}
	var all []*history.SagaRecord
	for i, l := range lives {
		if in[i] {
			all = append(all, l.s)
		}
	}
	return all
}
