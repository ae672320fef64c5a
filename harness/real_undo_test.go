package harness

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
)

// realFile is a workflow with a real service behind.
const realFile = `
name: trip
system: {base: "http://127.0.0.1:1"}
start: {request: POST /trips, body: {who: "${saga.id}"}, id: answer.body.id}
outcome: {request: "GET /trips/${id}", status: answer.body.state, statuses: {OPEN: running, DONE: completed, OFF: compensated}}
services:
  cars:
    upstream: http://%s
    operations:
      hire: {request: POST /hires, saga: request.body.trip, each: request.body.car, answer: {code: 201, body: {hire: "${new.id}"}}}
      give-back: {request: "DELETE /hires/{hire}", undoes: hire, which: request.path.hire == string(action.answer.body.hire)}
      find: {request: GET /hires, reads: hire, saga: request.query.trip}
      paint:
        request: POST /paints
        saga: request.body.trip
        answer: {body: {id: "${new.id}"}}
        done: answer.body.status == "done" && saga.id != "s2"
      board:
        request: POST /boards
        saga: request.body.trip
        effect: {transfer: {from: them, to: us, amount: 60, unit: EUR}}
        answer: {body: {id: "${new.id}"}}
      refund:
        request: POST /boards/{id}/refunds
        undoes: board
        which: request.path.id == action.answer.body.id
        each: request.body.day
        effect: {transfer: {from: us, to: them, amount: "${request.body.amount}", unit: EUR}}
        keeps: {transfer: {from: them, to: us, amount: 5, unit: EUR}}
        answer: {body: {refund: "${new.id}"}}
      insure: {request: POST /insurances, saga: request.body.trip}
      cancel: {request: DELETE /insurances, undoes: insure, saga: request.query.trip}
steps:
  - {name: board, do: cars.board, undo: cars.refund}
  - {name: hire, do: cars.hire, undo: cars.give-back}
  - {name: paint, do: cars.paint}
  - {name: insure, do: cars.insure, undo: cars.cancel}
`

// realCars answers what it is told to answer next: code and body.
type realCars struct {
	*routed
	code int
	body string
	n    map[string]int // attempts
}

func newRealCars(t *testing.T) *realCars {
	t.Helper()
	c := &realCars{n: map[string]int{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(c.code)
		_, _ = io.WriteString(w, c.body)
	}))
	t.Cleanup(srv.Close)
	c.routed = newRoutedOf(t, fmt.Sprintf(realFile, srv.Listener.Addr()), "s1", "s2")
	return c
}

// ask makes a call that the service answers so.
func (c *realCars) ask(method, target, body string, code int, answer string) participants.Answer {
	c.t.Helper()
	c.code, c.body = code, answer
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	raw := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: cars\r\nContent-Length: %d\r\n\r\n%s", method, target, len(body), body)
	to := c.Route("cars", req, []byte(body), []byte(raw))
	if to.Handle == nil {
		c.t.Fatalf("%s %s is nobody's: %+v", method, target, to.Answer)
	}
	op := c.operationOf(to.Line)
	c.n[op.String()]++
	return to.Handle(participants.Call{Op: op, Attempt: c.n[op.String()]}, req.Header, []byte(body))
}

// operationOf is the operation that a line is of.
func (c *realCars) operationOf(line *wire.Line) saga.Operation {
	for _, s := range c.sagas {
		for op, l := range s.lines {
			if l == line {
				return op
			}
		}
	}
	c.t.Fatal("a line of no operation")
	return saga.Operation{}
}

// did are the effects that were recorded of a saga: operation, name, and of what.
func (c *realCars) did(id string) string {
	var all []string
	events, _ := c.cells[id].rec.Since(0)
	for _, e := range events {
		if e.Kind == history.CallCommitted {
			text := strings.TrimPrefix(e.Operation().String(), id+"/") + "=" + e.Ref
			if e.Detail == history.Unnamed {
				text = strings.TrimSuffix(text, e.Ref) + "?"
			}
			if e.Of != "" {
				text += " of " + e.Of
			}
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

func (c *realCars) expect(id, want string) {
	c.t.Helper()
	if got := c.did(id); got != want {
		c.t.Errorf("%s: %s, expected %s", id, got, want)
	}
}

// A real service's answers say what was done and undone: by the names in them.
func TestUndoneByRealServices(t *testing.T) {
	c := newRealCars(t)
	hire := func(trip, car string) string { return fmt.Sprintf(`{"trip":%q,"car":%q}`, trip, car) }
	c.ask("POST", "/hires", hire("s1", "red"), 201, `{"hire":1}`)
	c.ask("POST", "/hires", hire("s1", "red"), 201, `{"hire":1}`) // the same again
	c.ask("POST", "/hires", hire("s1", "blue"), 503, `{}`)        // nobody knows
	c.ask("POST", "/hires", hire("s1", "blue"), 201, `{"hire":2}`)
	c.ask("POST", "/hires", hire("s2", "blue"), 201, `{"hire":3}`)
	if a := c.ask("GET", "/hires?trip=s1", "", 200, `[{"hire":2}]`); fmt.Sprint(a.Told) != "[2]" {
		t.Errorf("told of %v, expected 2", a.Told)
	}
	if a := c.ask("DELETE", "/hires/red", "", 404, `{}`); a.Detail != history.NamesNothing {
		t.Errorf("an undo of nothing: %+v", a)
	}
	c.ask("DELETE", "/hires/1", "", 204, "")
	if a := c.ask("DELETE", "/hires/1", "", 404, `{}`); a.Detail != history.DoneBefore { // it names what was there
		t.Errorf("a second undo: %+v", a)
	}
	c.ask("DELETE", "/hires/1", "", 204, "")
	c.expect("s1", "hire=1, hire(2)=2, hire.undo=? of 1")
	c.expect("s2", "hire=3")
	if n := c.trouble(); n > 0 {
		t.Errorf("%d cells have trouble", n)
	}
}

// An undo that names no action and undoes what there is of its step.
func TestUndoneWithoutAName(t *testing.T) {
	c := newRealCars(t)
	c.ask("DELETE", "/insurances?trip=s1", "", 200, "{}") // there is nothing yet
	c.ask("POST", "/insurances", `{"trip":"s1"}`, 200, "{}")
	c.ask("POST", "/insurances", `{"trip":"s1"}`, 200, "{}")
	c.ask("DELETE", "/insurances?trip=s1", "", 200, "{}")
	c.ask("DELETE", "/insurances?trip=s1", "", 200, "{}")
	c.expect("s1", "insure=?, insure.undo=?")
}

// What a real service undoes part by part has a name for each part.
func TestUndoneInParts(t *testing.T) {
	c := newRealCars(t)
	c.ask("POST", "/boards", `{"trip":"s1"}`, 200, `{"id":"b-1"}`)
	c.ask("POST", "/boards/b-1/refunds", `{"day":"monday","amount":20}`, 200, `{"refund":"r-1"}`)
	c.ask("POST", "/boards/b-1/refunds", `{"day":"sunday","amount":35}`, 200, `{"refund":"r-2"}`)
	c.ask("POST", "/boards/b-1/refunds", `{"day":"monday","amount":20}`, 200, `{"refund":"r-1"}`)
	c.ask("POST", "/boards/b-1/refunds", `{"day":"sunday","amount":35}`, 200, `{"refund":"r-3"}`)
	c.expect("s1", "board=b-1, board.undo=r-1 of b-1, board.undo(2)=r-2 of b-1, board.undo(2)=r-3 of b-1")
	if steps := c.asked(c.cells["s1"].defs[0]); steps[0].Keeps == nil || len(steps[0].Parts) != 1 {
		t.Errorf("%+v: expected a step that is undone in two parts, of which something stays", steps[0])
	}
}

// A success may say that it is none.
func TestSuccessThatIsNone(t *testing.T) {
	c := newRealCars(t)
	if a := c.ask("POST", "/paints", `{"trip":"s1"}`, 200, `{"id":"p-1","status":"declined"}`); a.Detail != history.NotDone {
		t.Errorf("declined: %+v", a)
	}
	c.expect("s1", "")
	c.ask("POST", "/paints", `{"trip":"s1"}`, 500, `{"id":"p-2","status":"done"}`)
	c.expect("s1", "")
	c.ask("POST", "/paints", `{"trip":"s1"}`, 200, `{"id":"p-3","status":"done"}`)
	c.expect("s1", "paint=p-3")
	c.ask("POST", "/paints", `{"trip":"s2"}`, 200, `{"id":"p-4","status":"done"}`)
	c.expect("s2", "")
	if n := c.trouble(); n > 0 {
		t.Errorf("%d cells have trouble", n)
	}
	c.ask("POST", "/paints", `{"trip":"s1"}`, 200, `nothing`)
	if err := c.cells["s1"].in.Broken(); err == nil || !strings.Contains(err.Error(), "operations.paint.done: ") || !strings.Contains(err.Error(), `the answer was 200 "nothing"`) {
		t.Errorf("an answer of another form: %v", err)
	}
}

// A service that undoes what the file's which does not find is not understood: no verdict
// rests on that.
func TestUndoneByAnUnknownName(t *testing.T) {
	c := newRealCars(t)
	c.ask("POST", "/hires", `{"trip":"s1","car":"red"}`, 201, `{"hire":1}`)
	c.ask("DELETE", "/hires/red", "", 200, "{}")
	c.expect("s1", "hire=1")
	err := c.cells["s1"].in.Broken()
	if err == nil || !strings.Contains(err.Error(), "its which names nothing that was done, and the service says that it undid it") {
		t.Errorf("trouble %v", err)
	}
}
