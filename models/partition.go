package models

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Kind is what a partition is of.
type Kind string

// The kinds of partitions. A stock is an account whose unit is not a currency
// code of three capital letters (ISO 4217).
const (
	AccountKind   Kind = "account"
	StockKind     Kind = "stock"
	RegisterKind  Kind = "register"
	EndpointKind  Kind = "endpoint"
	LifecycleKind Kind = "lifecycle"
)

// Partition is a part of a history that can be judged alone.
type Partition struct {
	Kind Kind
	Name string // "bank/alice EUR", a register, "saga/step", a saga
	Saga string // of an endpoint and a lifecycle
	Step string // of an endpoint
	Spec Spec
	// Ops are the operations whose outcome is known, Unknown the others. Their
	// metadata is the sequence numbers of their events ([]int).
	Ops, Unknown []porcupine.Operation
	// AtRisk tells that the operations could have shown an illegal order.
	AtRisk bool
	// Missing says which evidence is missing; empty if none.
	Missing string
}

// String is "register \"order/status\"".
func (p *Partition) String() string { return fmt.Sprintf("%s %q", p.Kind, p.Name) }

// Partitions takes a history apart: accounts and stocks, registers, endpoints,
// lifecycles, each sorted by name or in the order of the header. Endpoints are
// there only where the participants promise idempotency (profiles keyed and
// fenced). Cost: linear in the history.
func Partitions(ix *history.Index) []*Partition {
	b := &builder{ix: ix, books: newBooks(ix), accounts: map[account]*Partition{}, registers: map[string]*Partition{}}
	var endpoints, lifecycles []*Partition
	for _, s := range ix.Sagas {
		for _, step := range s.Definition.Steps {
			if !ix.History.Real(step.Name) { // into which nobody sees
				endpoints = append(endpoints, b.step(s, step)...)
			}
		}
		if p := lifecycleOf(s); len(p.Ops) > 0 {
			lifecycles = append(lifecycles, p)
		}
	}
	for _, e := range ix.Drifts { // what nobody asked for counts as an effect of its action
		if e.Kind == history.Drifted && e.Effect != nil {
			b.effect(&delivery{Delivery: Delivery{Op: e.Operation()}, committed: e}, *e.Effect)
		}
	}
	for _, e := range ix.RepairEffects() {
		if e.Effect != nil {
			b.effect(&delivery{Delivery: Delivery{Op: e.Operation()}, committed: e}, *e.Effect)
		}
	}
	b.reads()
	return slices.Concat(b.sorted(), endpoints, lifecycles)
}

type account struct{ name, unit string }

type builder struct {
	ix        *history.Index
	books     *books
	accounts  map[account]*Partition
	registers map[string]*Partition
}

func (b *builder) account(name, unit string) *Partition {
	k := account{name, unit}
	p := b.accounts[k]
	if p == nil {
		p = &Partition{Kind: AccountKind, Name: name + " " + unit, Spec: Account(name, unit)}
		if !Currency(unit) {
			p.Kind = StockKind
		}
		b.accounts[k] = p
	}
	return p
}

// Currency tells a unit of money from one of pieces.
func Currency(unit string) bool {
	return len(unit) == 3 && strings.IndexFunc(unit, func(r rune) bool { return r < 'A' || r > 'Z' }) < 0
}

func (b *builder) register(name string) *Partition {
	p := b.registers[name]
	if p == nil {
		p = &Partition{Kind: RegisterKind, Name: name, Spec: Register(name, b.ix.History.Header.Registers[name])}
		b.registers[name] = p
	}
	return p
}

func (b *builder) sorted() []*Partition {
	byName := func(a, b *Partition) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) }
	return slices.Concat(slices.SortedFunc(maps.Values(b.accounts), byName), slices.SortedFunc(maps.Values(b.registers), byName))
}

// step adds the deliveries of both directions of a step to the accounts and
// registers, and makes its endpoint: of a compensation that is done part by part, one for the
// action with each part.
func (b *builder) step(s *history.SagaRecord, step saga.Step) (endpoints []*Partition) {
	undos := s.Undos(step.Name)
	action := b.deliver(s.Op(step.Name, saga.Action))
	if len(undos) == 0 {
		undos = []*history.OpRecord{nil}
	}
	for _, o := range undos {
		name := step.Name
		if o != nil && o.Op.Part > 0 {
			name = o.Op.Ref().String()
		}
		endpoints = append(endpoints, b.endpoint(s, step.Name, name, action, b.deliver(o))...)
	}
	return endpoints
}

// delivered is the deliveries of an operation.
type delivered struct {
	all      []*delivery
	missing  string // evidence
	promises bool   // an effect
}

// deliver adds the deliveries of an operation to the accounts and registers; nil: there are
// none.
func (b *builder) deliver(o *history.OpRecord) delivered {
	d := delivered{promises: true}
	if o == nil {
		return d
	}
	asked, err := o.Asked()
	if err != nil {
		d.missing = fmt.Sprintf("the body of %v is no effect: %v", o.Op, err)
	}
	d.promises = !asked.IsZero()
	d.all = deliveries(o)
	for _, dl := range d.all {
		switch {
		case dl.committed != nil && dl.committed.Effect == nil:
			d.missing = fmt.Sprintf("the record does not say which effect %v had", dl)
		case dl.committed != nil:
			b.effect(dl, *dl.committed.Effect)
		case dl.unknown():
			b.effect(dl, asked)
		}
	}
	return d
}

// endpoint is that of an action and its compensation; none where nothing is promised of it.
func (b *builder) endpoint(s *history.SagaRecord, step, name string, action, undo delivered) []*Partition {
	both, missing := slices.Concat(action.all, undo.all), cmp.Or(undo.missing, action.missing)
	profile := b.ix.History.Header.Profile
	protected := profile == "keyed" || profile == "fenced"
	if len(both) == 0 || missing == "" && !(protected && action.promises && undo.promises) {
		return nil
	}
	return []*Partition{endpointOf(s.ID, step, name, both, profile == "fenced", missing)}
}

// effect adds what a delivery changed, or if its outcome is unknown may have
// changed, to the accounts and registers.
func (b *builder) effect(d *delivery, e saga.Effect) {
	op := porcupine.Operation{Call: d.call(), Return: d.end(), Metadata: d.events()}
	add := func(p *Partition, input, output any) {
		op.Input, op.Output = input, output
		if d.unknown() {
			op.Output = Unknown{}
			p.Unknown = append(p.Unknown, op)
		} else {
			p.Ops = append(p.Ops, op)
		}
	}
	sums := map[account]int64{}
	for _, p := range e.Postings {
		sums[account{p.Account, p.Unit}] += p.Amount
	}
	for a, sum := range sums {
		add(b.account(a.name, a.unit), Add{sum, d.Delivery}, nil)
	}
	for i, w := range e.Writes {
		// Several writes of one effect to a register are one operation, from
		// what the first found to what the last left.
		same := func(o saga.Write) bool { return o.Register == w.Register }
		if slices.ContainsFunc(e.Writes[:i], same) {
			continue
		}
		last := w
		for _, o := range e.Writes[i+1:] {
			if same(o) {
				last = o
			}
		}
		add(b.register(w.Register), Write{last.To, d.Delivery}, w.From)
	}
}

func endpointOf(id, step, name string, all []*delivery, fenced bool, missing string) *Partition {
	p := &Partition{Kind: EndpointKind, Name: id + "/" + name, Saga: id, Step: step, Spec: Endpoint(fenced), Missing: missing}
	keys, directions := map[string]int{}, map[saga.Direction]bool{}
	for _, d := range all {
		op := porcupine.Operation{Input: Request{d.key, d.Delivery}, Call: d.call(), Return: d.end(), Metadata: d.events()}
		if d.unknown() {
			op.Output = Unknown{}
			p.Unknown = append(p.Unknown, op)
			continue
		}
		res := Response{Effect: d.committed != nil}
		if d.answered != nil && !d.outside && !d.answered.Declined {
			res.Code, res.Repeat = d.answered.Code, d.answered.Detail == history.DoneBefore
		}
		op.Output = res
		p.Ops = append(p.Ops, op)
		directions[d.Op.Direction] = true
		if d.key != "" {
			keys[d.key]++
		}
	}
	repeated := false
	for _, n := range keys {
		repeated = repeated || n > 1
	}
	p.AtRisk = repeated || len(directions) > 1
	return p
}

func lifecycleOf(s *history.SagaRecord) *Partition {
	operator := slices.ContainsFunc(s.Operator, func(e *history.Event) bool {
		return e.Code == 0 || saga.Classify(e.Code) == saga.Done
	})
	p := &Partition{Kind: LifecycleKind, Name: s.ID, Saga: s.ID, Spec: Lifecycle(s.ID, operator)}
	for _, e := range s.Accepted {
		// The submission that was answered is the last one before the answer.
		call := e
		for _, sub := range s.Submitted {
			if sub.Seq < e.Seq {
				call = sub
			}
		}
		p.Ops = append(p.Ops, porcupine.Operation{Input: Accept{}, Call: int64(call.Seq), Return: int64(e.Seq), Metadata: []int{e.Seq}})
	}
	reports := slices.Concat(s.Reports, s.Ends)
	for _, e := range reports {
		if e.Kind != history.SagaUnknown && e.Status == "" {
			p.Missing = "a status report without a status"
			continue
		}
		p.Ops = append(p.Ops, porcupine.Operation{Input: Report{}, Output: e.Status, Call: int64(e.Seq), Return: int64(e.Seq), Metadata: []int{e.Seq}})
	}
	p.AtRisk = len(p.Ops) > 1
	return p
}
