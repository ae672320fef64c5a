package checkers

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// undosInParts is a step whose compensation is done part by part.
var undosInParts = Trait{"a compensation that is done part by part", anyStep(inParts)}

// inParts tells whether a step is undone part by part: its undos add up.
func inParts(s saga.Step) bool { return s.Parts != nil }

// undoAsks tells whether the compensation of a step, or any part of it, asks for an effect: a draft
// that changes nothing is followed by what does.
func undoAsks(step saga.Step) bool {
	return hasEffect(step.Compensation) || slices.ContainsFunc(step.Parts, func(c saga.Call) bool { return hasEffect(&c) })
}

// partsOf are the effects, in order, that undid an effect of a step, up to an event. One that does not
// name what it undoes undid the first.
func partsOf(s *history.SagaRecord, step string, did *history.Event, until int) []*history.Event {
	var undos []*history.Event
	for _, o := range s.Undos(step) {
		for _, e := range o.Effects {
			if (e.Of == did.Ref || e.Of == "" && did == first(effects(s.Op(step, saga.Action)))) && e.Seq < until {
				undos = append(undos, e)
			}
		}
	}
	slices.SortFunc(undos, func(a, b *history.Event) int { return a.Seq - b.Seq })
	return undos
}

// always is after all events.
const always = math.MaxInt

// owed is what of an action's effect has to be given back still: the postings by account
// ("account unit"), and the writes.
type owed struct {
	postings map[string]int64
	writes   []saga.Write
}

// owedFor is all that has to be given back for an effect of a step, but for what stays.
func owedFor(step saga.Step, did *history.Event) *owed {
	o := &owed{postings: map[string]int64{}}
	if did.Effect == nil { // double-credit tells of it
		return o
	}
	for _, p := range did.Effect.Postings {
		o.postings[p.Account+" "+p.Unit] -= p.Amount
	}
	for _, p := range kept(step).Postings {
		o.postings[p.Account+" "+p.Unit] += p.Amount
	}
	o.writes = did.Effect.Inverse().Writes
	return o
}

// kept is what stays of the effect of a step that was undone.
func kept(step saga.Step) saga.Effect {
	if step.Keeps == nil {
		return saga.Effect{}
	}
	return *step.Keeps
}

// give takes off what a part gave back. It says what of that was not owed; empty: all was.
func (o *owed) give(part *history.Event) (wrong string) {
	given := accountsOf(part)
	for _, account := range slices.Sorted(maps.Keys(given)) {
		n, before := given[account], o.postings[account]
		o.postings[account] = before - n
		after := o.postings[account]
		if fits := n == 0 || n > 0 && after >= 0 || n < 0 && after <= 0; !fits && wrong == "" {
			wrong = fmt.Sprintf("%+d was left to be booked on %q, and not %+d", before, account, n)
			if before == 0 {
				wrong = fmt.Sprintf("nothing was left to be booked on %q", account)
			}
		}
	}
	if part.Effect == nil {
		return wrong
	}
	for _, w := range part.Effect.Writes {
		i := slices.IndexFunc(o.writes, func(x saga.Write) bool { return x.Register == w.Register && x.To == w.To })
		if i >= 0 {
			o.writes = slices.Delete(slices.Clone(o.writes), i, i+1)
		} else if wrong == "" {
			wrong = fmt.Sprintf("%q was not left to be set back to %q", w.Register, w.To)
		}
	}
	return wrong
}

// left is the part of the action's effect that is there still; the zero effect: none.
func (o *owed) left(did *history.Event) (e saga.Effect) {
	if did.Effect == nil {
		return e
	}
	took := accountsOf(did)
	for _, account := range slices.Sorted(maps.Keys(took)) {
		if rest := -o.postings[account]; rest != 0 && (rest > 0) == (took[account] > 0) {
			i := strings.LastIndexByte(account, ' ')
			e.Postings = append(e.Postings, saga.Posting{Account: account[:i], Amount: rest, Unit: account[i+1:]})
		}
	}
	for _, w := range slices.Backward(o.writes) {
		e.Writes = append(e.Writes, saga.Write{Register: w.Register, From: w.To, To: w.From})
	}
	return e
}

// leftOf is what is left of an effect of a step that is undone part by part, after the parts up
// to an event.
func leftOf(s *history.SagaRecord, step saga.Step, did *history.Event, until int) saga.Effect {
	o := owedFor(step, did)
	for _, part := range partsOf(s, step.Name, did, until) {
		o.give(part)
	}
	return o.left(did)
}

// standingParts are the effects of a step that is undone part by part of which something is
// left after an event.
func standingParts(s *history.SagaRecord, step saga.Step, until int) []*history.Event {
	var left []*history.Event
	for _, did := range effects(s.Op(step.Name, saga.Action)) {
		if did.Seq < until && !leftOf(s, step, did, until).IsZero() {
			left = append(left, did)
		}
	}
	return left
}

// undoAccepted is the first sign that a compensation, or a part of it, was accepted.
func undoAccepted(s *history.SagaRecord, step string) *history.Event {
	return firstOf(s.Undos(step), accepted)
}

// firstUndoSent is the first attempt of a compensation, or of a part of it.
func firstUndoSent(s *history.SagaRecord, step string) *history.Event {
	return firstOf(s.Undos(step), firstSent)
}

// firstOf is the first event that some operations have; nil: none has one.
func firstOf(ops []*history.OpRecord, event func(*history.OpRecord) *history.Event) (first *history.Event) {
	for _, o := range ops {
		if e := event(o); e != nil && (first == nil || e.Seq < first.Seq) {
			first = e
		}
	}
	return first
}

// undoEffects are the effects of a compensation, or of its parts.
func undoEffects(s *history.SagaRecord, step string) (es []*history.Event) {
	for _, o := range s.Undos(step) {
		es = append(es, o.Effects...)
	}
	return es
}
