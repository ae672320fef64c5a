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
	undo := op
	undo.Direction = saga.Compensation
	if err := w.Drift(undo, Back, 0); err == nil {
		t.Error("what had been taken away before came back")
	}
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

// What was undone comes back once, and is told; what is there can't come back.
func TestWhatWasUndoneComesBack(t *testing.T) {
	rec := history.NewRecorder(history.Header{})
	w := NewWorld(Fenced, nil, rec, nil, nil)
	op := saga.Operation{Saga: "s", Step: "charge", Direction: saga.Action}
	undo := op
	undo.Direction = saga.Compensation
	call := func(op saga.Operation, amount string) {
		w.Handle(Call{Op: op, Attempt: 1}, http.Header{"Idempotency-Key": {string(op.Direction)}}, []byte(`{"postings":[{"account":"bank/a","amount":`+amount+`,"unit":"EUR"},{"account":"bank/b","amount":`+strings.TrimPrefix("-"+amount, "--")+`,"unit":"EUR"}]}`))
	}
	call(op, "-5")
	if err := w.Drift(undo, Back, 0); err == nil {
		t.Error("what is there came back")
	}
	call(undo, "5")
	if _, there := w.Held("s", "charge"); there {
		t.Error("it is there, though it was undone")
	}
	if err := w.Drift(undo, Back, 3); err != nil {
		t.Fatal(err)
	}
	if e, there := w.Held("s", "charge"); !there || e.Postings[0].Amount != -5 {
		t.Errorf("%+v, %v", e, there)
	}
	if err := w.Drift(undo, Back, 3); err == nil {
		t.Error("it came back twice")
	}
	w.Read()
	h := rec.Close()
	if got := h.Events[len(h.Events)-1].Balances["bank/a EUR"]; got != -5 {
		t.Errorf("%d is booked, want -5", got)
	}
	if d := h.Events[len(h.Events)-2]; d.Kind != history.Drifted || d.Direction != saga.Compensation || d.Effect.Postings[0].Amount != -5 {
		t.Errorf("%+v", d)
	}
}

// What comes back with the memory of its key is undone by the same call once more; without, the call does nothing.
func TestWhatIsRestoredIsUndoneAgain(t *testing.T) {
	for how, want := range map[Drift]int{Back: 1, Restored: 2} {
		rec := history.NewRecorder(history.Header{})
		w := NewWorld(Fenced, nil, rec, nil, nil)
		op := saga.Operation{Saga: "s", Step: "charge", Direction: saga.Action}
		undo := op
		undo.Direction = saga.Compensation
		call := func(op saga.Operation, n int, amount string) {
			w.Handle(Call{Op: op, Attempt: n}, http.Header{"Idempotency-Key": {string(op.Direction)}}, []byte(`{"postings":[{"account":"bank/a","amount":`+amount+`,"unit":"EUR"},{"account":"bank/b","amount":`+strings.TrimPrefix("-"+amount, "--")+`,"unit":"EUR"}]}`))
		}
		call(op, 1, "-5")
		call(undo, 1, "5")
		if err := w.Drift(undo, how, 0); err != nil {
			t.Fatal(err)
		}
		call(undo, 2, "5")
		call(undo, 3, "5")
		n := 0
		for _, e := range rec.Close().Events {
			if e.Kind == history.CallCommitted && e.Direction == saga.Compensation {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: undone %d times, want %d", how, n, want)
		}
	}
}
