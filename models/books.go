package models

import (
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/history"
)

// books are the ledgers as they were read, and who holds what.
type books struct {
	read    []*history.Event
	holders map[string]map[string]bool // account ("name unit") or register → participants that list it
	known   map[string]bool            // participants whose ledger was read
}

func newBooks(ix *history.Index) *books {
	k := &books{read: ix.Ledgers, holders: map[string]map[string]bool{}, known: map[string]bool{}}
	for _, e := range ix.Ledgers {
		k.known[e.Participant] = true
		for name := range e.Balances {
			k.holds(name, e.Participant)
		}
		for name := range e.Registers {
			k.holds(name, e.Participant)
		}
	}
	return k
}

func (k *books) holds(name, participant string) {
	if k.holders[name] == nil {
		k.holders[name] = map[string]bool{}
	}
	k.holders[name][participant] = true
}

// holder is the participant in whose ledger a name is found: the one that lists
// it, else the one that the part of the name before the first slash says (an
// account at 0 and a record that does not exist need not be listed). missing says
// why there is none.
func (k *books) holder(name string) (participant, missing string) {
	switch h := k.holders[name]; {
	case len(h) > 1:
		return "", fmt.Sprintf("%d ledgers list %q", len(h), name)
	case len(h) == 1:
		for p := range h {
			return p, ""
		}
	}
	if owner, _, ok := strings.Cut(name, "/"); ok && k.known[owner] {
		return owner, ""
	}
	return "", fmt.Sprintf("no ledger that was read lists %q", name)
}

// reads adds what the ledgers said to each account and register.
func (b *builder) reads() {
	for _, e := range b.books.read {
		for name := range e.Balances {
			if i := strings.LastIndexByte(name, ' '); i >= 0 {
				b.account(name[:i], name[i+1:])
			}
		}
		for name := range e.Registers {
			b.register(name)
		}
	}
	for _, p := range b.accounts {
		b.readAll(p, func(e *history.Event, holder string) (input, output any) {
			return Balance{holder}, e.Balances[p.Name]
		})
	}
	for _, p := range b.registers {
		b.readAll(p, func(e *history.Event, holder string) (input, output any) {
			return Value{holder}, e.Registers[p.Name]
		})
	}
}

func (b *builder) readAll(p *Partition, read func(e *history.Event, holder string) (input, output any)) {
	effects := len(p.Ops)
	holder, missing := b.books.holder(p.Name)
	if missing != "" {
		p.Missing = missing
	} else {
		for _, e := range b.books.read {
			if e.Participant == holder {
				op := porcupine.Operation{Call: int64(e.Seq), Return: int64(e.Seq), Metadata: []int{e.Seq}}
				op.Input, op.Output = read(e, holder)
				p.Ops = append(p.Ops, op)
			}
		}
	}
	p.AtRisk = effects > 0 && len(p.Ops) > 1
}
