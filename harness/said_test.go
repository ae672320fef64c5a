package harness

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// TestNameInALocation: what was made may be named by the Location of its answer alone. A call that
// says nothing but that name is its saga's.
func TestNameInALocation(t *testing.T) {
	for _, location := range []string{"/cars/boards/${new.id}", "https://cars.example/boards/${new.id}/?view=all", "boards/${new.id}", "/boards?id=${new.id}"} {
		text := strings.Replace(tripFile, `answer: {body: {id: "${new.id}"}}}`, `answer: {code: 201, headers: {Location: "`+location+`"}}}`, 1)
		text = strings.ReplaceAll(text, "which: request.path.id == action.answer.body.id", "which: request.path.id == action.id")
		text = strings.Replace(text, "      insure:", `      seats: {request: "POST /boards/{id}/seats", saga: of(request.path.id)}
      insure:`, 1)
		text += "  - {name: seats, do: cars.seats, optional: true}\n"
		r := newRoutedOf(t, text, "s1", "s2")
		for _, s := range []string{"s1", "s2"} {
			r.named(s, "t-"+s)
			r.do(r.call("POST", "/boards", `{"trip":"t-`+s+`","fee":1}`), saga.Operation{Saga: s, Step: "board", Direction: saga.Action})
		}
		for i, s := range []string{"s1", "s2"} {
			path := "/boards/" + r.sagas[s].actions[0].done.Ref + "/seats"
			if to := r.call("POST", path, ""); to.Line == nil || r.trouble() > 0 || len(r.sagas[s].lines) != 2 {
				t.Errorf("%s: saga %d: %s is no call of it: %v", location, i+1, path, r.cells[s].in.Broken())
			}
		}
	}
}
