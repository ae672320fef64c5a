package checkers

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// books are the accounts ("account unit") as the ended sagas left them, and as they
// should be.
type books struct {
	booked, explained map[string]int64
	compensated       map[string]bool // a compensated saga touched it
}

func newBooks() *books {
	return &books{booked: map[string]int64{}, explained: map[string]int64{}, compensated: map[string]bool{}}
}

// accounts are all that were booked on, or should have been.
func (b *books) accounts() []string {
	all := maps.Clone(b.booked)
	maps.Copy(all, b.explained)
	return slices.Sorted(maps.Keys(all))
}

func (b *books) add(t *tally, h *history.History, s *history.SagaRecord) {
	ops := slices.DeleteFunc(opsOf(s), func(o *history.OpRecord) bool { return h.Real(o.Op.Step) })
	if s.Ended == nil {
		touched := slices.ContainsFunc(ops, func(o *history.OpRecord) bool { return len(o.Effects) > 0 })
		if touched && stuckForAReason(h, s) == "" {
			t.unjudgeable(ofCompleted, "a saga has not ended: what its accounts should hold is open")
		}
		return
	}
	if s.Ended.Status == saga.Compensated && slices.ContainsFunc(ops, (*history.OpRecord).Misled) {
		t.unjudgeable(ofCompensated, misled)
		return
	}
	for _, o := range ops {
		for _, e := range o.Effects {
			if e.Effect != nil { // judgeAsked tells of the others
				b.post(b.booked, s, *e.Effect)
			}
		}
	}
	for _, step := range s.Definition.Steps {
		if h.Real(step.Name) {
			continue
		}
		if !stays(s, step) {
			if s.Ended.Status == saga.Compensated && len(effects(s.Op(step.Name, saga.Action))) > 0 {
				b.post(b.explained, s, kept(step))
			}
			continue
		}
		if e, err := definedEffect(s, step.Name, saga.Action); err == nil {
			b.post(b.explained, s, e)
		} else {
			t.unknown(ofCompleted, "the definition's body is no effect: %v", err)
		}
	}
}

func (b *books) post(to map[string]int64, s *history.SagaRecord, e saga.Effect) {
	post(to, e)
	if s.Ended.Status == saga.Compensated {
		for _, p := range e.Postings {
			b.compensated[p.Account+" "+p.Unit] = true
		}
	}
}

// stays tells whether the effect of a step is there, once, after the saga's end: in
// a completed saga, that of a deferrable step only if it had one, and of none without which it
// went on; in a compensated saga that of a step with nothing to undo, if it had one.
func stays(s *history.SagaRecord, step saga.Step) bool {
	did := len(effects(s.Op(step.Name, saga.Action))) > 0
	if s.Ended.Status == saga.Completed {
		return (did || step.Kind != saga.Deferrable) && !step.Waived
	}
	return did && !mustBeUndone(step)
}

func post(balances map[string]int64, e saga.Effect) {
	for _, p := range e.Postings {
		balances[p.Account+" "+p.Unit] += p.Amount
	}
}

// blame finds, for each account, the bookings and ends of the sagas whose own
// bookings on it are not explained.
func blame(ix *history.Index) map[string][]*history.Event {
	events := map[string][]*history.Event{}
	for _, s := range ix.Sagas {
		one := newBooks()
		one.add(newTally(DoubleCredit{}), ix.History, s)
		suspect := map[string]bool{}
		for _, account := range one.accounts() {
			suspect[account] = one.booked[account] != one.explained[account]
		}
		for _, o := range opsOf(s) {
			for _, e := range o.Effects {
				for account := range accountsOf(e) {
					if suspect[account] {
						events[account] = append(events[account], e)
					}
				}
			}
		}
		for account, yes := range suspect {
			if yes {
				events[account] = append(events[account], s.Ended)
			}
		}
	}
	return events
}

func accountsOf(e *history.Event) map[string]int64 {
	accounts := map[string]int64{}
	if e.Effect != nil {
		post(accounts, *e.Effect)
	}
	return accounts
}

// stayingIn tells whether a step of an ended saga that stays sets the register, done
// or not.
func stayingIn(s *history.SagaRecord, name string) bool {
	return s.Ended != nil && len(leaves(s, name)) > 0
}

// leaves are the values that an ended saga leaves in a register: those of the steps
// that stay and come last of them.
func leaves(s *history.SagaRecord, name string) []string {
	last := map[string]string{} // step → value
	var order []string
	for _, step := range s.Definition.Steps {
		if !stays(s, step) {
			continue
		}
		e, err := definedEffect(s, step.Name, saga.Action)
		if err != nil {
			continue
		}
		for _, w := range e.Writes {
			if w.Register == name {
				if _, seen := last[step.Name]; !seen {
					order = append(order, step.Name)
				}
				last[step.Name] = w.To
			}
		}
	}
	var values []string
	for _, step := range order {
		overwritten := slices.ContainsFunc(order, func(later string) bool {
			return later != step && slices.Contains(s.Definition.Ancestors(later), step)
		})
		if !overwritten {
			values = append(values, last[step])
		}
	}
	return values
}

// explain lists the values that ended sagas may have left in a register, and the
// sagas that did: of those that leave something, all that were not over before
// another one of them began. If none leaves anything it is the initial value.
func explain(r *register, writers []*history.SagaRecord) (values []string, by []*history.SagaRecord) {
	left := map[*history.SagaRecord][]string{}
	for _, s := range writers {
		if v := leaves(s, r.name); len(v) > 0 {
			left[s] = v
		}
	}
	if len(left) == 0 {
		return []string{r.initial}, writers
	}
	latest := 0
	for s := range left {
		start, _ := lifetime(s)
		latest = max(latest, start)
	}
	for _, s := range writers {
		if _, end := lifetime(s); left[s] != nil && end >= latest { // no other began after it
			values, by = append(values, left[s]...), append(by, s)
		}
	}
	return values, by
}

func quotedOr(values []string) string {
	var quoted []string
	for _, v := range values {
		quoted = append(quoted, strconv.Quote(v))
	}
	return strings.Join(quoted, " or ")
}

// final is what the ledgers show in the end, and what all recorded effects left, as
// text: accounts ("account unit") as numbers, registers quoted.
type final struct {
	balances, sums map[string]int64
	registers      map[string]string // as read
	values         map[string]string // as left
	touched, open  map[string]bool
	effects        map[string][]*history.Event
}

func finalState(h *history.History, ix *history.Index) *final {
	f := &final{
		balances: map[string]int64{}, sums: map[string]int64{}, registers: map[string]string{}, values: maps.Clone(h.Header.Registers),
		touched: map[string]bool{}, open: map[string]bool{}, effects: map[string][]*history.Event{},
	}
	if f.values == nil {
		f.values = map[string]string{}
	}
	for _, l := range ix.Ledgers {
		for account, n := range l.Balances {
			f.balances[account] += n
		}
		maps.Copy(f.registers, l.Registers)
	}
	var all []*history.Event
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			if h.Real(o.Op.Step) {
				continue
			}
			all = append(all, o.Effects...)
			f.mayHave(o)
		}
	}
	for _, e := range ix.Drifts {
		if e.Kind == history.Drifted {
			all = append(all, e)
		}
	}
	all = append(all, ix.RepairEffects()...)
	slices.SortFunc(all, func(a, b *history.Event) int { return a.Seq - b.Seq })
	for _, e := range all {
		if e.Seq < ix.Ledgers[0].Seq {
			f.add(e)
		}
	}
	return f
}

// add applies a recorded effect.
func (f *final) add(e *history.Event) {
	if e.Effect == nil {
		return
	}
	post(f.sums, *e.Effect)
	for account := range accountsOf(e) {
		f.touched[account] = true
		f.effects[account] = append(f.effects[account], e)
	}
	for _, w := range e.Effect.Writes {
		f.values[w.Register], f.touched[w.Register] = w.To, true
		f.effects[w.Register] = append(f.effects[w.Register], e)
	}
}

// mayHave marks what a delivery without an outcome may have changed.
func (f *final) mayHave(o *history.OpRecord) {
	asked, err := o.Asked()
	for _, a := range o.Attempts {
		if err != nil || len(a.Received) <= len(a.Answered) || len(a.Received) <= len(a.Committed) {
			continue
		}
		for _, p := range asked.Postings {
			f.open[p.Account+" "+p.Unit] = true
		}
		for _, w := range asked.Writes {
			f.open[w.Register] = true
		}
	}
}

func (f *final) names() []string {
	all := map[string]bool{}
	for name := range f.balances {
		all[name] = true
	}
	for name := range f.registers {
		all[name] = true
	}
	maps.Copy(all, f.touched)
	return slices.Sorted(maps.Keys(all))
}

func (f *final) held(name string) (value string, there bool) {
	if v, ok := f.registers[name]; ok {
		return strconv.Quote(v), true
	}
	n, there := f.balances[name]
	if _, register := f.values[name]; register && !there {
		return `""`, f.values[name] == "" // a record that does not exist need not be listed
	}
	return fmt.Sprint(n), there
}

func (f *final) want(name string) string {
	_, read := f.registers[name]
	if v, left := f.values[name]; read || left {
		return strconv.Quote(v)
	}
	return fmt.Sprint(f.sums[name])
}
