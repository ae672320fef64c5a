package reference

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

func drawDefinition(t *rapid.T) saga.Definition {
	d := saga.Definition{ID: "s"}
	kinds := rapid.SampledFrom([]saga.Kind{saga.Compensatable, saga.Compensatable, saga.Compensatable, saga.Pivot, saga.Retriable, saga.Deferrable})
	policy := func(label string) saga.RetryPolicy { return retry(rapid.IntRange(0, 3).Draw(t, label)) }
	for i := range rapid.IntRange(1, 7).Draw(t, "steps") {
		s := saga.Step{Name: fmt.Sprint("s", i), Kind: kinds.Draw(t, "kind"), Action: saga.Call{URL: "http://x/", Retry: policy("max")}}
		if rapid.IntRange(0, 3).Draw(t, "undo") > 0 {
			s.Compensation = &saga.Call{URL: "http://x/", Retry: policy("undo max")}
		}
		s.After = []string{}
		for j := range i {
			if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
				s.After = append(s.After, fmt.Sprint("s", j))
			}
		}
		d.Steps = append(d.Steps, s)
	}
	for i, s := range d.Steps { // a step that may stand for the one before it does, as often as not
		if rapid.Bool().Draw(t, "fallback") && len(s.After) == 1 {
			d.Steps[i].FallbackFor = s.After[0]
			if d.Validate() != nil {
				d.Steps[i].FallbackFor = ""
			}
		}
	}
	return d
}

// world runs a saga's pure part against answers that are drawn.
type world struct {
	*rapid.T
	s       *State
	records []Record
	now     time.Time
}

func (w *world) take(r Record) {
	r.At = w.now
	if err := w.s.apply(r); err != nil {
		w.Fatalf("apply: %v", err)
	}
	w.records = append(w.records, r)
}

// begin checks an intent against what a saga guarantees, and takes it.
func (w *world) begin(r Ref) {
	s, o := w.s, w.s.Op(r)
	st := s.Def.Steps[r.Step]
	switch {
	case o.Settled():
		w.Fatalf("%v is attempted again after %s", r, o.Answer)
	case r.Dir == saga.Action && s.Failing() && !s.mustLearn(r.Step):
		w.Fatalf("%v starts although the saga is failing", r)
	case r.Dir == saga.Compensation && s.PastPivot():
		w.Fatalf("%v is undone past the pivot", r)
	case r.Dir == saga.Compensation && s.Actions[r.Step].Attempts == 0:
		w.Fatalf("%v is undone, but was never attempted", r)
	}
	if l := s.limits(r); !l.Endless && l.Policy.MaxAttempts > 0 && o.Attempts-o.interrupted >= l.Policy.MaxAttempts {
		w.Fatalf("%v: attempt %d of %d", r, o.Attempts+1, l.Policy.MaxAttempts)
	}
	if r.Dir == saga.Action {
		for _, name := range st.After {
			if p := s.Def.StepIndex(name); !s.Satisfied(p) {
				w.Fatalf("%v starts before %s", r, name)
			}
		}
		if first := s.Def.StepIndex(st.FallbackFor); first >= 0 && (!s.Actions[first].Lost() || !s.Undone(first)) {
			w.Fatalf("%v starts, and %s is not given up, or not undone", r, st.FallbackFor)
		}
	} else {
		for j := range s.Def.Steps {
			if slices.Contains(s.graph.later(r.Step), j) && !s.Undone(j) {
				w.Fatalf("%v is undone before step %d", r, j)
			}
		}
	}
	w.take(Record{Kind: RecordIntent, Step: r.Step, Direction: r.Dir, Attempt: o.Attempts + 1})
}

func (w *world) end(r Ref, a saga.Answer) {
	o := w.s.Op(r)
	w.take(Record{
		Kind: RecordOutcome, Step: r.Step, Direction: r.Dir, Attempt: o.Attempts, Answer: a,
		Exhausted: a == saga.Transient && w.s.limits(r).exhausted(o.Attempts-o.interrupted, o.first, w.now),
	})
}

func (w *world) open() []Ref {
	var refs []Ref
	for i := range w.s.Def.Steps {
		for _, r := range []Ref{{i, saga.Action}, {i, saga.Compensation}} {
			if w.s.Op(r).Open {
				refs = append(refs, r)
			}
		}
	}
	return refs
}

// step does one thing that may happen next; false: nothing can.
func (w *world) step(answers *rapid.Generator[saga.Answer]) bool {
	w.now = w.now.Add(time.Millisecond)
	var startable []Ref
	for _, r := range next(w.s) {
		if !w.s.Op(r).Open {
			startable = append(startable, r)
		}
	}
	open := w.open()
	choices := len(startable) + len(open)
	if choices == 0 {
		return false
	}
	switch i := rapid.IntRange(0, choices+1).Draw(w.T, "event"); {
	case i < len(startable):
		w.begin(startable[i])
	case i < choices:
		w.end(open[i-len(startable)], answers.Draw(w.T, "answer"))
	case i == choices && rapid.IntRange(0, 9).Draw(w.T, "operator") == 0 && w.s.operatorMay() == nil && !w.s.Failing():
		w.take(Record{Kind: RecordOperator})
	case i == choices+1: // a crash: what is open is unknown
		for _, r := range w.s.recover(w.now) {
			w.take(r)
		}
	}
	return true
}

// checkDecisions compares what is decided with what looking at every step decides.
func (w *world) checkDecisions() {
	every := w.s.clone()
	every.all = &scan{s: every}
	decisions := func(s *State) string {
		return fmt.Sprint(s.report(), next(s), s.Quiet(), s.Failing(), s.rules.Stuck(s))
	}
	if a, b := decisions(w.s), decisions(every); a != b {
		w.Fatalf("decided %s, and looking at every step %s", a, b)
	}
}

// Whatever happens in whatever order, the guarantees hold at each intent, the
// replay of the records gives the same state, and once participants answer the
// saga ends.
func TestGuaranteesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		def := drawDefinition(t)
		w := &world{T: t, s: newState(def, nil), now: time.Unix(0, 0)}
		w.records = []Record{{Kind: recAccepted, Definition: &def}}
		all := rapid.SampledFrom([]saga.Answer{saga.Done, saga.Done, saga.Transient, saga.Permanent})
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			if !w.step(all) {
				break
			}
			w.checkDecisions()
		}
		again, err := replay([]entry{{saga: "s", n: 1, records: w.records}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := fmt.Sprint(again.report(), next(again)), fmt.Sprint(w.s.report(), next(w.s)); a != b {
			t.Fatalf("replay gives %s instead of %s", a, b)
		}
		for i := 0; w.step(rapid.Just(saga.Done)); i++ {
			w.checkDecisions()
			if i > 1000 {
				t.Fatal("does not end")
			}
		}
		w.checkEnd()
	})
}

func (w *world) checkEnd() {
	s := w.s
	if !s.Quiet() {
		w.Fatalf("nothing can happen, but it is not quiet: %v", next(s))
	}
	switch status := s.status(); status {
	case saga.Completed:
		for i := range s.Def.Steps {
			way, round := s.graph.ways[i]
			switch done := s.Actions[i].Done(); {
			case s.Def.Steps[i].Kind == saga.Deferrable || done:
			case s.spared(i):
			case !round || !s.Actions[way].Done() || !s.Undone(i):
				w.Fatalf("completed without step %d", i)
			}
		}
	case saga.Compensated:
		for i := range s.Def.Steps {
			if !s.Undone(i) {
				w.Fatalf("compensated without undoing step %d", i)
			}
		}
	case saga.Stuck: // a refusal, or a budget that is used up, allows it
	default:
		w.Fatalf("ends as %s: %s", status, steps(s.report()))
	}
}

func TestApplyRefusesWhatCannotBe(t *testing.T) {
	def := saga.Definition{ID: "s", Steps: []saga.Step{{Name: "a", Kind: saga.Compensatable, Action: saga.Call{Retry: retry(2)}}}}
	intent := Record{Kind: RecordIntent, Direction: saga.Action, Attempt: 1}
	for name, rs := range map[string][]Record{
		"outcome without an intent": {{Kind: RecordOutcome, Direction: saga.Action, Attempt: 1}},
		"two intents":               {intent, {Kind: RecordIntent, Direction: saga.Action, Attempt: 2}},
		"a gap":                     {{Kind: RecordIntent, Direction: saga.Action, Attempt: 2}},
		"no such step":              {{Kind: RecordIntent, Step: 1, Direction: saga.Action, Attempt: 1}},
		"no such compensation":      {{Kind: RecordIntent, Direction: saga.Compensation, Attempt: 1}},
		"no such kind":              {{Kind: "other", Direction: saga.Action}},
	} {
		s := newState(def, nil)
		var err error
		for _, r := range rs {
			err = s.apply(r)
		}
		if err == nil {
			t.Error(name, "was applied")
		}
	}
}

func TestBarriersMakeNoCircle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGraph(drawDefinition(t))
		if len(g.order) != len(g.before) {
			t.Fatal("a circle through a barrier")
		}
		for i := range g.steps {
			if slices.Contains(g.later(i), i) {
				t.Fatalf("step %d is behind itself", i)
			}
		}
	})
}
