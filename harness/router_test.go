package harness

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

const tripFile = `
name: trip
system: {base: "http://127.0.0.1:1"}
start: {request: POST /trips, body: {who: "${saga.id}"}, id: answer.body.id}
outcome: {request: "GET /trips/${id}", status: answer.body.state, statuses: {OPEN: running, DONE: completed, OFF: compensated}}
services:
  cars:
    operations:
      hire: {request: "PUT /cars/{ref}", saga: request.body.trip, each: request.path.ref, answer: {code: 201}}
      give-back: {request: "DELETE /cars/{ref}", undoes: hire, which: request.path.ref == action.request.path.ref}
      insure: {request: POST /insurances, saga: request.body.trip}
      cancel: {request: DELETE /insurances, undoes: insure, saga: request.body.trip}
      board: {request: POST /boards, saga: request.body.trip, effect: {transfer: {from: them, to: us, amount: 60, unit: EUR}}, answer: {body: {id: "${new.id}"}}}
      refund:
        request: POST /boards/{id}/refunds
        undoes: board
        which: request.path.id == action.answer.body.id
        each: request.body.day
        effect: {transfer: {from: us, to: them, amount: "${request.body.amount}", unit: EUR}}
        keeps: {transfer: {from: them, to: us, amount: "${action.request.body.fee}", unit: EUR}}
      leave: {request: "POST /boards/{id}/leave", undoes: board, which: request.path.id == action.answer.body.id}
steps:
  - {name: board, do: cars.board, undo: cars.refund, optional: true}
  - {name: insure, do: cars.insure, undo: cars.cancel, optional: true}
  - {name: hire, do: cars.hire, undo: cars.give-back}
`

// routed is a router with cells of one saga each.
type routed struct {
	*router
	t     *testing.T
	cells map[string]*cellRun
}

func newRouted(t *testing.T, sagas ...string) *routed {
	t.Helper()
	return newRoutedOf(t, tripFile, sagas...)
}

// newRoutedOf is newRouted with another file.
func newRoutedOf(t *testing.T, text string, sagas ...string) *routed {
	t.Helper()
	file := filepath.Join(t.TempDir(), "workflow.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	flow, err := workflows.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	w := wire.New()
	server, err := participants.Serve(w.Resolve)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), w.Close()); err != nil {
			t.Error(err)
		}
	})
	r := &routed{newRouter(flow), t, map[string]*cellRun{}}
	for _, id := range sagas {
		rec := history.NewRecorder(history.Header{})
		world := participants.NewWorld(participants.Naive, nil, rec, nil, nil)
		in, err := wire.NewInjector(w, wire.Setup{Rec: rec})
		if err != nil {
			t.Fatal(err)
		}
		started, err := flow.Begin(id, 1)
		if err != nil {
			t.Fatal(err)
		}
		h := &Harness{server: server}
		h.late.Store(newLateCalls())
		c := &cellRun{h: h, ids: []string{id}, rec: rec, in: in, world: world, own: &ownSystem{router: r.router}}
		c.defs, _ = Outline{Flow: flow}.Build(c.ids, nil)
		r.cells[id] = c
		r.enroll(c, []workflows.Started{started})
	}
	return r
}

// call makes a call, and gives what is said of it that is no one's.
func (r *routed) call(method, path, body string) wire.Routed {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	return r.Route("cars", req, []byte(body), nil)
}

// trouble is how many cells a call that nobody could explain was told to.
func (r *routed) trouble() (n int) {
	for _, c := range r.cells {
		if c.in.Broken() != nil {
			n++
		}
	}
	return n
}

// TestCallBeforeItsName: a call that names a saga by what only the answer to its start says,
// and comes before that, is the saga's that alone said the rest of it.
func TestCallBeforeItsName(t *testing.T) {
	r := newRouted(t, "s1", "s2")
	to := r.call("PUT", "/cars/c-1", `{"trip":"t-77","who":"s2"}`)
	if to.Line == nil || r.trouble() > 0 {
		t.Fatalf("it is no one's: %+v", to.Answer)
	}
	if to := r.call("PUT", "/cars/c-2", `{"trip":"t-77"}`); to.Line == nil || r.trouble() > 0 {
		t.Errorf("another call that says no more than the name is no one's: %+v", to.Answer)
	}
	if to := r.call("DELETE", "/cars/c-1", ""); to.Line == nil || r.trouble() > 0 {
		t.Errorf("what follows on it is no one's: %+v", to.Answer)
	}
}

// TestUndoOfWhatWasNotDone: who does not know what came of an action may undo it, which is then
// the undoing of that one and not of the first that is there.
func TestUndoOfWhatWasNotDone(t *testing.T) {
	r := newRouted(t, "s1")
	r.named("s1", "t-1")
	for _, ref := range []string{"c-1", "c-2"} {
		if to := r.call("PUT", "/cars/"+ref, `{"trip":"t-1","ref":"`+ref+`"}`); to.Line == nil {
			t.Fatalf("%s is no one's: %+v", ref, to.Answer)
		}
	}
	s := r.sagas["s1"]
	r.call("DELETE", "/cars/c-2", "")
	undo := saga.Operation{Saga: "s1", Step: "hire(2)", Direction: saga.Compensation}
	if ask, there := s.asked[undo]; !there || ask.Missing == nil {
		t.Errorf("asked for %v, expected %v of what is not there", s.asked, undo)
	}
}

// TestOptionalSteps: a saga that does not take an optional step has none, and one that does has
// it with its compensation.
func TestOptionalSteps(t *testing.T) {
	r := newRouted(t, "s1", "s2")
	r.named("s1", "t-1")
	r.named("s2", "t-2")
	r.call("POST", "/insurances", `{"trip":"t-2"}`)
	d := r.cells["s1"].defs[0]
	if got := r.asked(d); len(got) != 1 || got[0].Name != "hire" {
		t.Errorf("%+v: expected hire alone", got)
	}
	d.ID, d.Steps = "s2", got(r, d)
	steps := r.asked(d)
	i := slices.IndexFunc(steps, func(s saga.Step) bool { return s.Name == "insure" })
	if len(steps) != 2 || i < 0 || steps[i].Compensation == nil {
		t.Errorf("%+v: expected hire and insure, which can be undone", steps)
	}
}

// got are the steps that a run without the optional ones leaves.
func got(r *routed, d saga.Definition) []saga.Step {
	d.ID = "s1"
	return r.asked(d)
}

// TestPartsOfAnUndo: the undos of one action are told apart by what each says, and by their
// operations, and are attempts of one part where it is the same; the saga has them as calls of
// its step, with what stays of its effect.
func TestPartsOfAnUndo(t *testing.T) {
	r := newRouted(t, "s1")
	r.named("s1", "t-1")
	board := saga.Operation{Saga: "s1", Step: "board", Direction: saga.Action}
	r.do(r.call("POST", "/boards", `{"trip":"t-1","fee":5}`), board)
	for _, c := range []struct {
		path, body string
		want       []string // all that was asked for by then
	}{
		{"/refunds", `{"day":"monday","amount":10}`, []string{"s1/board", "s1/board.undo"}},
		{"/refunds", `{"day":"sunday","amount":20}`, []string{"s1/board", "s1/board.undo", "s1/board.undo(2)"}},
		{"/refunds", `{"day":"monday","amount":10}`, []string{"s1/board", "s1/board.undo", "s1/board.undo(2)"}},
		{"/leave", ``, []string{"s1/board", "s1/board.undo", "s1/board.undo(2)", "s1/board.undo(3)"}},
	} {
		r.call("POST", "/boards/c-1"+c.path, c.body)
		var asked []string
		for op := range r.sagas["s1"].asked {
			asked = append(asked, op.String())
		}
		if slices.Sort(asked); !slices.Equal(asked, c.want) {
			t.Errorf("%s %s: asked for %v, expected %v", c.path, c.body, asked, c.want)
		}
	}
	steps := r.asked(r.cells["s1"].defs[0])
	i := slices.IndexFunc(steps, func(s saga.Step) bool { return s.Name == "board" })
	if i < 0 || len(steps[i].Parts) != 2 || steps[i].Keeps == nil {
		t.Fatalf("%+v: expected board, undone in three parts, of which something stays", steps)
	}
	second, err := steps[i].Parts[0].Effect()
	if got, want := second.String()+", "+steps[i].Keeps.String(), "cars/us-20EUR cars/them+20EUR, cars/them-5EUR cars/us+5EUR"; err != nil || got != want {
		t.Errorf("%s (%v), expected %s", got, err, want)
	}
}

// do lets the service carry a call out.
func (r *routed) do(to wire.Routed, op saga.Operation) {
	to.Handle(participants.Call{Op: op, Attempt: 1}, nil, nil)
}

// TestNamesThatAreNumbers: a saga's own name is its own, also if another saga has said the same
// number as something else, or if it was the name of one whose cell is over.
func TestNamesThatAreNumbers(t *testing.T) {
	text := strings.Replace(tripFile, "PUT /cars/{ref}\", saga: request.body.trip", "PUT /cars/{ref}\", saga: of(request.body.trip)", 1)
	r := newRoutedOf(t, text, "s1", "s2")
	r.named("s1", "1")
	r.call("PUT", "/cars/2", `{"trip":"1"}`) // says 2
	r.named("s2", "2")
	if to := r.call("PUT", "/cars/c-2", `{"trip":"2"}`); to.Line == nil || r.trouble() > 0 || len(r.sagas["s2"].lines) != 1 {
		t.Errorf("a call of 2, which another one has said before: %+v", to.Answer)
	}
	r = newRoutedOf(t, text, "s1", "s2") // the same, and the call is sooner than the name is known
	r.named("s1", "1")
	r.call("PUT", "/cars/2", `{"trip":"1"}`)
	r.dismiss(r.cells["s1"])
	soon := make(chan wire.Routed)
	go func() { soon <- r.call("PUT", "/cars/c-2", `{"trip":"2"}`) }()
	time.Sleep(10 * time.Millisecond) // the call comes first, as a rule: either way it is the same
	r.named("s2", "2")
	if to := <-soon; to.Line == nil || r.trouble() > 0 || len(r.sagas["s2"].lines) != 1 {
		t.Errorf("a call of 2, whose name is not known yet: %+v", to.Answer)
	}
	r = newRouted(t, "s1", "s2")
	r.named("s1", "1")
	r.dismiss(r.cells["s1"])
	r.named("s2", "1")
	if to := r.call("PUT", "/cars/c-2", `{"trip":"1"}`); to.Line == nil || r.trouble() > 0 || len(r.sagas["s2"].lines) != 1 {
		t.Errorf("a call of 1, as one was called whose cell is over: %+v", to.Answer)
	}
}

// TestWrongNameOfWhatHasNoAnswer: a name within what a service answers is not that of an action
// which was asked for and not answered: the call names nothing, and no mistake of the file.
func TestWrongNameOfWhatHasNoAnswer(t *testing.T) {
	text := strings.Replace(tripFile, `answer: {body: {id: "${new.id}"}}}`, `answer: {body: {board: {id: "${new.id}"}}}}`, 1)
	text = strings.Replace(text, "which: request.path.id == action.answer.body.id", "which: request.path.id == action.answer.body.board.id", 2)
	r := newRoutedOf(t, text, "s1")
	r.named("s1", "1")
	r.call("POST", "/boards", `{"trip":"1"}`) // taken, and not done yet
	if to := r.call("POST", "/boards/b-9/leave", `{"trip":"1"}`); to.Line == nil || r.trouble() > 0 {
		t.Errorf("%+v: %v", to.Answer, r.cells["s1"].in.Broken())
	}
}

// TestSameAnswerToTheSamePath: what a service does not do twice is the same thing; another path
// is another one.
func TestSameAnswerToTheSamePath(t *testing.T) {
	text := strings.Replace(tripFile, "each: request.path.ref, answer: {code: 201}", "repeat: same-answer, answer: {code: 201}", 1)
	r := newRoutedOf(t, text, "s1")
	r.named("s1", "1")
	for _, path := range []string{"/cars/a", "/cars/a", "/cars/b"} {
		to := r.call("PUT", path, `{"trip":"1"}`)
		r.do(to, saga.Operation{Saga: "s1", Step: "hire", Direction: saga.Action})
	}
	done := 0
	events, _ := r.cells["s1"].rec.Since(0)
	for _, e := range events {
		if e.Kind == history.CallCommitted {
			done++
		}
	}
	if done != 2 {
		t.Errorf("two cars were hired, one of them asked for twice: %d effects", done)
	}
}

// TestOneThatIsLookedFor: a question about one thing is answered with that, or that it is missing.
func TestOneThatIsLookedFor(t *testing.T) {
	text := strings.Replace(tripFile, "      insure:", `      look:
        request: "GET /cars/{ref}"
        reads: hire
        saga: of(request.path.ref)
        which: request.path.ref == action.request.path.ref
        answer: {body: {ref: "${action.request.path.ref}", all: "${len(effects)}"}}
        missing: {code: 410, body: {none: "${request.path.ref}"}}
      insure:`, 1)
	r := newRoutedOf(t, text, "s1")
	r.named("s1", "1")
	for _, ref := range []string{"a", "b"} {
		to := r.call("PUT", "/cars/"+ref, `{"trip":"1"}`)
		r.do(to, saga.Operation{Saga: "s1", Step: "hire", Direction: saga.Action})
	}
	r.call("PUT", "/cars/c", `{"trip":"1"}`) // it never arrives
	for ref, want := range map[string]string{"b": `200 {"all":1,"ref":"b"} of 1`, "c": `410 {"none":"c"} of 0`} {
		to := r.call("GET", "/cars/"+ref, "")
		a := to.Handle(participants.Call{}, nil, nil)
		if got := fmt.Sprintf("%d %s of %d", a.Code, a.Body, len(a.Told)); got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
	}
}

// TestAwaitNames: a process is not killed while the answer to a start leaves it, and is when none
// comes.
func TestAwaitNames(t *testing.T) {
	r := newRouted(t, "s1", "s2")
	r.named("s1", "1")
	r.awaitNames(t.Context(), []string{"s1"}) // nothing is waited for
	began := time.Now()
	r.awaitNames(t.Context(), []string{"s2"})
	if waited := time.Since(began); waited < startLimit {
		t.Errorf("a saga without a name was waited for %v, expected %v", waited, startLimit)
	}
	known := make(chan struct{})
	go func() {
		r.awaitNames(context.Background(), []string{"s1", "s2"})
		close(known)
	}()
	r.named("s2", "2")
	<-known
}

// TestLateCallsOfAStruckStart: a start that was struck may arrive when its cell is over; no other does.
func TestLateCallsOfAStruckStart(t *testing.T) {
	struck := faults.Plan{Faults: []faults.Fault{{Kind: "slow", At: saga.FailurePoint{Step: saga.SubmitStep, Direction: saga.Action, Attempt: 1, Phase: saga.Request}}}}
	for _, c := range []struct {
		plan     faults.Plan
		accepted []string
		want     int
	}{{struck, nil, 0}, {struck, []string{"s1"}, 1}, {faults.Plan{}, nil, 1}} {
		l := newLateCalls()
		l.close(&cellRun{ids: []string{"s1"}, calm: true, cell: Cell{Plan: c.plan}, accepted: acceptances{ids: c.accepted}})
		l.of("s1")("pay POST /payments")
		if l.Calls != c.want {
			t.Errorf("%v, accepted %v: %d calls told, want %d", c.plan, c.accepted, l.Calls, c.want)
		}
	}
}

// TestLeftOverCalls: what follows on a call that nobody could explain, or that came when its
// cell was over, is not given to the one cell that is left.
func TestLeftOverCalls(t *testing.T) {
	r := newRouted(t, "s1", "s2")
	r.named("s2", "t-2")
	r.dismiss(r.cells["s2"])
	if to := r.call("PUT", "/cars/c-2", `{"trip":"t-2"}`); to.Line != nil || to.Answer.Code != 410 {
		t.Errorf("a call of a saga that is over: %+v", to)
	}
	if to := r.call("DELETE", "/cars/c-2", ""); to.Line != nil || to.Answer.Code != 410 {
		t.Errorf("what follows on it: %+v", to)
	}
	if n := r.trouble(); n > 0 {
		t.Errorf("%d cells were told, expected none", n)
	}
	r.named("s1", "t-1")
	if to := r.call("PUT", "/cars/c-3", `{"trip":"t-3"}`); to.Line != nil || to.Answer.Code != 501 {
		t.Errorf("a call of a saga that was never started: %+v", to)
	}
	if to := r.call("DELETE", "/cars/c-3", ""); to.Line != nil {
		t.Errorf("what follows on it is given to the saga that is left: %+v", to)
	}
}

// TestWordlessCallAfterACell: where another process can be had, a call that says nothing of its
// saga is not given to the one saga that is left when another one is over: it is anybody's, and
// the cell runs again where none was before. Where there is only this process it is given to
// it, until a call of a saga that is over was seen.
func TestWordlessCallAfterACell(t *testing.T) {
	for _, another := range []bool{true, false} {
		r := newRouted(t, "s1", "s2")
		r.named("s2", "t-2")
		if another {
			r.cells["s2"].h.Start = func(context.Context) (orchestrators.System, error) { return nil, nil }
		}
		r.dismiss(r.cells["s2"])
		if to := r.call("DELETE", "/cars/none", ""); (to.Line == nil) != another {
			t.Errorf("another process %v: %+v", another, to)
		}
		if !another {
			r.call("PUT", "/cars/c-2", `{"trip":"t-2"}`)
			r.call("DELETE", "/cars/nothing", "")
		}
		if anybodys := new(anybodysError); !errors.As(r.cells["s1"].in.Broken(), &anybodys) {
			t.Errorf("another process %v: the cell that is left was told %v", another, r.cells["s1"].in.Broken())
		}
	}
}
