package harness_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
)

// TestLateStart: a start that arrives when its client has left, and which the workflow takes its
// time to accept, begins a saga of the cell that sent it, and of no other.
func TestLateStart(t *testing.T) {
	t.Parallel()
	short := saga.SubmitPolicy.AttemptTimeoutMS
	s := &shop{send: usual, late: 3 * time.Duration(short) * time.Millisecond}
	h, flow := startShop(t, s, "127.0.0.1")
	delay := faults.Fault{Kind: "delay", At: mustPoint("submit#1@request"), DelayMS: short + 100}
	hist := runShop(t, h, flow, 1, faults.Plan{Faults: []faults.Fault{delay}})
	if end := history.NewIndex(hist).Sagas[0].Status(); end != saga.Completed {
		t.Errorf("the saga of a late start ended %q in its cell: expected completed", end)
	}
	endsWell(t, hist, 1)
}

// TestCallOfAnOldOrder: what an order whose cell is over still does, and says nothing by which it
// could be told, is not charged to the one order that runs: that one runs again, in a process
// that has run no other.
func TestCallOfAnOldOrder(t *testing.T) {
	text := strings.Replace(shopFile, "steps: [{name: reserve, do: stock.reserve}", `steps: [{name: reserve, do: stock.reserve, undo: stock.free}`, 1)
	text = strings.Replace(text, "  pay:\n", `      free: {request: POST /freed, undoes: reserve, which: request.body.id == action.answer.body.id, answer: {code: 200}}
  pay:
`, 1)
	w := wire.New()
	sold := func() *shop {
		s := &shop{send: usual}
		s.again = func() {
			_, _, _ = s.send(t.Context(), http.MethodPost, s.url["stock"]+"/freed", []byte(`{"id":"none"}`))
		}
		return s
	}
	sys, flow := shopSystem(t, w, sold(), "127.0.0.1", text)
	h, err := harness.New(harness.Options{System: sys, Wire: w, Start: func(context.Context) (orchestrators.System, error) {
		another, _ := shopSystem(t, w, sold(), "127.0.0.1", text)
		return another, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(sys.Stop(context.Background()), h.Close()); err != nil {
			t.Error(err)
		}
	}()
	for range 2 {
		hist := runShop(t, h, flow, 1, faults.Plan{})
		endsWell(t, hist, 1)
		for _, e := range hist.Events {
			if e.Direction == saga.Compensation {
				t.Errorf("%s was charged with %s of %s", hist.Header.Cell, e.Kind, e.Operation())
			}
		}
	}
}

// TestCallAfterTheEnd: what an order still calls when it is done is seen if it is waited for, and
// is not lost without a word if it is not.
func TestCallAfterTheEnd(t *testing.T) {
	for quiet, within := range map[time.Duration]bool{20 * time.Millisecond: false, 2 * time.Second: true} {
		h, flow := startShop(t, &shop{send: usual, after: 200 * time.Millisecond}, "127.0.0.1")
		h.Quiet = quiet
		hist := runShop(t, h, flow, 1, faults.Plan{})
		charged := slices.ContainsFunc(hist.Events, func(e history.Event) bool { return e.Kind == history.CallCommitted && e.Step == "charge" })
		if charged != within {
			t.Errorf("silent for %v: charged within its cell: %v", quiet, charged)
		}
		for !within && h.Late().Calls == 0 && t.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		if late := h.Late(); (late.Calls > 0) == within {
			t.Errorf("silent for %v: told of %+v", quiet, late)
		}
	}
}

// TestStartWithoutAnswer: a saga whose start was never answered, and that has called, is judged if
// anybody can ask for it; if not, that is said.
func TestStartWithoutAnswer(t *testing.T) {
	t.Parallel()
	byID := shopFile
	bySaga := strings.Replace(shopFile, "GET /orders/${id}", "GET /orders/${saga.id}", 1)
	unknown := strings.Replace(shopFile, "GET /orders/${id}", "GET /orders/none-${saga.id}", 1)
	for text, c := range map[string]struct {
		end saga.Status
		err string
	}{byID: {err: "its start was never answered"}, bySaga: {end: saga.Completed}, unknown: {}} {
		s := &shop{send: usual, silent: true}
		h, flow := startShopOf(t, s, "127.0.0.1", text)
		h.Settle = 2 * time.Second
		r := h.RunCell(t.Context(), shopCell(flow, 1, faults.Plan{}))
		switch {
		case c.err != "":
			if r.Err == nil || !strings.Contains(r.Err.Error(), c.err) {
				t.Errorf("%s: %v", flow.Outcome.Request, r.Err)
			}
		case r.Err != nil:
			t.Errorf("%s: %v", flow.Outcome.Request, r.Err)
		default:
			one := history.NewIndex(r.History).Sagas[0]
			if len(one.Accepted) != 1 || one.Status() != c.end {
				t.Errorf("%s: accepted %d times, ended %q, expected %q", flow.Outcome.Request, len(one.Accepted), one.Status(), c.end)
			}
		}
	}
}

// TestLeftHalfDone: a saga that nobody can ask for, and that does not go on, is lost.
func TestLeftHalfDone(t *testing.T) {
	t.Parallel()
	h, flow := startShop(t, &shop{send: usual, silent: true, half: true}, "127.0.0.1")
	h.Settle = time.Second
	r := h.RunCell(t.Context(), shopCell(flow, 1, faults.Plan{}))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	one := history.NewIndex(r.History).Sagas[0]
	if len(one.Accepted) != 1 || len(one.Reports) == 0 || one.Reports[0].Kind != history.SagaUnknown {
		t.Errorf("accepted %d times, reports: %+v", len(one.Accepted), one.Reports)
	}
}

// TestLastWord: another word for the same status is the last report of a saga, and what is said to be pending.
func TestLastWord(t *testing.T) {
	t.Parallel()
	text := strings.Replace(shopFile, "NEW: running", "NEW: running, HALF: running", 1)
	h, flow := startShopOf(t, &shop{send: usual, half: true}, "127.0.0.1", text)
	h.Settle = time.Second
	ix := history.NewIndex(runShop(t, h, flow, 1, faults.Plan{}))
	reports := ix.Sagas[0].Reports
	if last := reports[len(reports)-1]; len(reports) != 2 || last.Word != "HALF" || !strings.HasSuffix(ix.Settled.Detail, ": HALF (running)") {
		t.Errorf("%d reports, the last %q; pending: %s", len(reports), last.Word, ix.Settled.Detail)
	}
}

// TestEndToldByTheStart: what the answer to a start says of its end is that, and nobody is asked.
func TestEndToldByTheStart(t *testing.T) {
	t.Parallel()
	told := strings.Replace(shopFile, "  id: answer.body.id\n", "  id: answer.body.id\n  status: 'answer.code == 422 ? \"OFF\" : nil'\n", 1)
	off := strings.Replace(told, "DONE: completed}", "DONE: completed, OFF: compensated}", 1)
	for text, want := range map[string]string{
		off:      "",
		shopFile: "answered 422 Unprocessable Entity: start.accepted says no, and start.status does not say that this is an end",
		told:     `outcome.statuses: "OFF" is none of DONE, NEW`,
		strings.Replace(off, "OFF: compensated", "OFF: compensating", 1): `start.status: "OFF" means compensating: expected an end`,
	} {
		h, flow := startShopOf(t, &shop{send: usual, refuses: true}, "127.0.0.1", text)
		r := h.RunCell(t.Context(), shopCell(flow, 1, faults.Plan{}))
		if want != "" {
			if r.Err == nil || !strings.Contains(r.Err.Error(), want) {
				t.Errorf("%v, want %s", r.Err, want)
			}
			continue
		}
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		if one := history.NewIndex(r.History).Sagas[0]; len(one.Accepted) != 1 || one.Status() != saga.Compensated || one.Ended.Word != "OFF" {
			t.Errorf("accepted %d times, ended %+v", len(one.Accepted), one.Ended)
		}
	}
}

// TestNothingIsKept: a saga that was undone and forgotten before its start could be answered has ended
// where that answer would have told so, and is lost where the workflow promises to know it.
func TestNothingIsKept(t *testing.T) {
	t.Parallel()
	known := strings.Replace(shopFile, "GET /orders/${id}", "GET /orders/${start.body.customer}", 1)
	told := strings.Replace(known, "  id: answer.body.id\n", "  id: answer.body.id\n  status: 'answer.code == 422 ? \"OFF\" : nil'\n", 1)
	told = strings.Replace(told, "DONE: completed}", "DONE: completed, OFF: compensated}", 1)
	refused := faults.Plan{Faults: []faults.Fault{{Kind: "reject", At: mustPoint("charge#1@receive")}}}
	for text, want := range map[string]history.Kind{known: history.SagaUnknown, told: history.SagaStatus} {
		h, flow := startShopOf(t, &shop{send: usual, silent: true, forgets: true}, "127.0.0.1", text)
		h.Settle = time.Second
		r := h.RunCell(t.Context(), shopCell(flow, 1, refused))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		one := history.NewIndex(r.History).Sagas[0]
		last := one.Reports[len(one.Reports)-1]
		if len(one.Accepted) != 1 || last.Kind != want || (want == history.SagaStatus) != (one.Status() == saga.Compensated) {
			t.Errorf("accepted %d times, ended %q, reports: %+v", len(one.Accepted), one.Status(), one.Reports)
		}
	}
}

// TestStartWithoutAnswerAgain: whether a start is answered before its process is killed is a race:
// where nobody can ask for the saga, the cell runs once more.
func TestStartWithoutAnswerAgain(t *testing.T) {
	h, flow := startShop(t, &shop{send: usual, silent: true, once: true}, "127.0.0.1")
	h.Settle, h.Again = 2*time.Second, 1
	var results []harness.Result
	if err := h.Run(t.Context(), slices.Values([]harness.Cell{shopCell(flow, 1, faults.Plan{})}), func(r harness.Result) { results = append(results, r) }); err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 || results[0].Spoilt || results[0].Err != nil || !results[0].Cell.Patient || results[0].Asked == results[0].Cell.ID {
		t.Errorf("%d results: %+v", len(results), results)
	}
}

// TestOutbox: what an outbox still does when its order is done belongs to the cell, however the
// first attempt failed, and however rarely it looks.
func TestOutbox(t *testing.T) {
	t.Parallel()
	text := strings.Replace(shopFile, "do: pay.charge}", "do: pay.charge, kind: deferrable}", 1)
	for _, f := range []faults.Fault{
		{Kind: "reset", At: mustPoint("charge#1@response")},
		{Kind: "unavailable", At: mustPoint("charge#1@receive")},
	} {
		h, flow := startShopOf(t, &shop{send: usual, outbox: 1500 * time.Millisecond}, "127.0.0.1", text)
		hist := runShop(t, h, flow, 1, faults.Plan{Faults: []faults.Fault{f}})
		endsWell(t, hist, 2)
		for _, e := range hist.Events {
			if e.Kind == history.Settled && e.Detail != "" {
				t.Errorf("%s: it was not waited for: %s", f.Kind, e.Detail)
			}
		}
	}
}
