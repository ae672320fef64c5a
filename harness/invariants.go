package harness

import (
	"context"
	"strconv"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
)

// filler puts the values of a manifest's templates into a text.
type filler interface{ Fill(text string) string }

// fill puts the values of the manifest's templates into a text, where the system was started
// here and has such.
func (s *ownSystem) fill(text string) string {
	if f, ok := s.System.(filler); ok {
		return f.Fill(text)
	}
	return text
}

// soon is how long after the last call what a workflow keeps elsewhere may still change.
const soon = time.Second

// invariants checks what must hold in the user's own words, of each saga that has come to
// an end, and records what was found.
func (r *cellRun) invariants(ctx context.Context) error {
	flow := r.own.router.flow
	events, _ := r.rec.Since(0)
	until := r.rec.Activity().Last.Add(max(r.quiet(), soon))
	for _, id := range r.accepted.all() {
		r.own.router.mu.Lock()
		vars := r.own.router.sagas[id].vars()
		r.own.router.mu.Unlock()
		facts, ended := facts(events, vars)
		if !ended {
			continue
		}
		checked, err := flow.Check(ctx, facts, r.own.fill, until)
		for _, c := range checked {
			r.rec.Add(invariantEvent(id, c))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func invariantEvent(id string, c workflows.Checked) history.Event {
	return history.Event{Kind: history.InvariantChecked, Saga: id, Invariant: c.Name, When: string(c.When), Holds: c.Holds, Detail: c.Detail}
}

// facts are what invariants may speak of.
func facts(events []history.Event, of workflows.SagaVars) (f workflows.Facts, ended bool) {
	f.Saga, f.Effects, f.Calls = of, []any{}, []any{}
	for _, e := range events {
		if e.Saga != of.ID {
			continue
		}
		switch e.Kind {
		case history.SagaStatus:
			f.Status = e.Status
		case history.CallCommitted:
			f.Effects, f.Before = append(f.Effects, effectFact(e)), append(f.Before, len(f.Calls))
		case history.CallAnswered:
			call := callFact(e)
			call["code"] = e.Code
			f.Calls = append(f.Calls, call)
		}
	}
	return f, f.Status.Ended() || f.Status.Left()
}

func callFact(e history.Event) map[string]any {
	step, n := saga.CutInstance(e.Step)
	return map[string]any{
		"step": step, "instance": strconv.Itoa(n), "direction": string(e.Direction), "part": max(e.Part, 1), "attempt": e.Attempt,
	}
}

func effectFact(e history.Event) map[string]any {
	fact := callFact(e)
	fact["ref"], fact["of"] = e.Ref, e.Of
	amount := int64(0)
	postings := []any{}
	for _, p := range e.Effect.Postings {
		amount += max(p.Amount, 0)
		fact["unit"] = p.Unit
		postings = append(postings, map[string]any{"account": p.Account, "amount": p.Amount, "unit": p.Unit})
	}
	writes := []any{}
	for _, w := range e.Effect.Writes {
		writes = append(writes, map[string]any{"register": w.Register, "from": w.From, "to": w.To})
	}
	fact["amount"], fact["postings"], fact["writes"] = amount, postings, writes
	return fact
}
