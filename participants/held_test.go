package participants

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

func TestReadBacksTellWhatIsHeld(t *testing.T) {
	rec := history.NewRecorder(history.Header{})
	w := NewWorld(Fenced, nil, rec, nil, nil)
	b, err := ServeReadBacks()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	shut := b.Open([]string{"s"}, w)
	ask := func(want string) {
		t.Helper()
		resp, err := http.Get(b.URL("s", "charge"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if got := resp.Status + " " + string(body); !strings.Contains(got, want) {
			t.Errorf("it tells %s, want %s", got, want)
		}
	}
	call := func(d saga.Direction, body string) {
		w.Handle(Call{Op: saga.Operation{Saga: "s", Step: "charge", Direction: d}, Attempt: 1}, http.Header{"Idempotency-Key": {string(d)}}, []byte(body))
	}
	op := saga.Operation{Saga: "s", Step: "charge", Direction: saga.Action}
	done := `{"postings":[{"account":"bank/a","amount":-5,"unit":"EUR"},{"account":"bank/b","amount":5,"unit":"EUR"}]}`
	ask("404")
	if err := w.Drift(op, Removed, 0); err == nil {
		t.Error("what is not there was taken away")
	}
	call(saga.Action, done)
	ask(`200 OK ` + done)
	if err := w.Drift(op, Halved, 0); err != nil {
		t.Fatal(err)
	}
	ask(`[{"account":"bank/a","amount":-2,"unit":"EUR"},{"account":"bank/b","amount":2,"unit":"EUR"}]`)
	if err := w.Drift(op, Removed, 0); err != nil {
		t.Fatal(err)
	}
	ask("404")
	call(saga.Compensation, strings.NewReplacer("-5", "5", "5", "-5").Replace(done))
	ask("404")
	w.Read()
	h := rec.Close()
	last := h.Events[len(h.Events)-1]
	if got := last.Balances; got["bank/a EUR"] != 5 || got["bank/b EUR"] != -5 {
		t.Errorf("after all was taken away, and then given back: %v", got)
	}
	sum := int64(0)
	for _, e := range h.Events {
		if e.Kind == history.Drifted {
			sum += e.Effect.Postings[0].Amount
		}
	}
	if sum != 5 {
		t.Errorf("drifts of %d are recorded, want 5", sum)
	}
	shut()
	ask("410")
}
