package harness

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
)

// TestWhatIsThere: a read-back does not find what was undone, unless the file says that it does:
// when it was named and undone as a whole, when its step was, when the last of its parts was and
// nothing but the fee is left.
func TestWhatIsThere(t *testing.T) {
	ask := ""
	for _, op := range []string{"hire", "insure", "board"} {
		ask += fmt.Sprintf("      list-%s: {request: GET /%[1]s, reads: %[1]s, saga: only, answer: {body: '${len(effects)}'}}\n", op)
		ask += fmt.Sprintf("      all-%s: {request: GET /%[1]s/all, reads: %[1]s, shows_undone: true, saga: only, answer: {body: '${map(effects, .undone)}'}}\n", op)
	}
	ask += "      one: {request: 'GET /cars/{ref}', reads: hire, saga: only, which: request.path.ref == action.request.path.ref}\n"
	ask = strings.Replace(ask, "request.path.ref}", `request.path.ref, answer: {body: "${action.undone}"}}`, 1)
	r := newRoutedOf(t, strings.Replace(tripFile, "      hire:", ask+"      hire:", 1), "s1")
	r.named("s1", "t-1")
	do := func(request, body, step string, d saga.Direction) string {
		method, path, _ := strings.Cut(request, " ")
		to := r.call(method, path, body)
		if to.Handle == nil {
			t.Fatalf("%s: %+v", request, to.Answer)
		}
		a := to.Handle(participants.Call{Op: saga.Operation{Saga: "s1", Step: step, Direction: d}, Attempt: 1}, nil, nil)
		return fmt.Sprintf("%d %s", a.Code, a.Body)
	}
	do("PUT /cars/a", `{"trip":"t-1"}`, "hire", saga.Action)
	do("PUT /cars/b", `{"trip":"t-1"}`, "hire(2)", saga.Action)
	do("POST /insurances", `{"trip":"t-1"}`, "insure", saga.Action)
	do("POST /boards", `{"trip":"t-1","fee":10}`, "board", saga.Action)
	board := r.sagas["s1"].actions[3].done.Ref
	for _, c := range []struct {
		request, body, step string
		want                []string // of the questions for hire, insure and board
	}{
		{"", "", "", []string{"2", "1", "1"}},
		{"DELETE /cars/b", "", "hire(2)", []string{"1", "1", "1"}},
		{"DELETE /insurances", `{"trip":"t-1"}`, "insure", []string{"1", "0", "1"}},
		{"POST /boards/" + board + "/refunds", `{"day":"1","amount":20}`, "board", []string{"1", "0", "1"}},
		{"POST /boards/" + board + "/refunds", `{"day":"2","amount":30}`, "board", []string{"1", "0", "0"}},
	} {
		if c.request != "" {
			do(c.request, c.body, c.step, saga.Compensation)
		}
		var got []string
		for _, op := range []string{"hire", "insure", "board"} {
			got = append(got, strings.TrimPrefix(do("GET /"+op, "", op, saga.Action), "200 "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("after %q: there are %v, expected %v", c.request, got, c.want)
		}
	}
	for request, want := range map[string]string{
		"GET /hire/all": "200 [false,true]", "GET /insure/all": "200 [true]", "GET /board/all": "200 [true]",
		"GET /cars/a": "200 false", "GET /cars/b": "404 {}",
	} {
		if got := do(request, "", "hire", saga.Action); got != want {
			t.Errorf("%s: %s, expected %s", request, got, want)
		}
	}
	if n := r.trouble(); n > 0 {
		t.Error(r.cells["s1"].in.Broken())
	}
}

// TestUndoneJustWhenItWasDone: what a compensation names may have been done when it arrives,
// although it was not when it left.
func TestUndoneJustWhenItWasDone(t *testing.T) {
	r := newRouted(t, "s1")
	r.named("s1", "t-1")
	op := saga.Operation{Saga: "s1", Step: "hire", Direction: saga.Action}
	put := r.call("PUT", "/cars/a", `{"trip":"t-1"}`)
	undo := r.call("DELETE", "/cars/a", "")
	none := r.call("DELETE", "/cars/b", "")
	r.do(put, op)
	for path, c := range map[string]struct {
		to   wire.Routed
		want int
	}{"/cars/a": {undo, 200}, "/cars/b": {none, 404}} {
		if a := c.to.Handle(participants.Call{Op: op.Inverse(), Attempt: 1}, nil, nil); a.Code != c.want {
			t.Errorf("DELETE %s: %d %s, expected %d", path, a.Code, a.Detail, c.want)
		}
	}
}
