package harness_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// TestReadCutShort: of an answer to a question what was done the status may be there, and not the rest: who reads
// only that knows what it asked for.
func TestReadCutShort(t *testing.T) {
	t.Parallel()
	text := strings.Replace(shopFile, "steps:", `      find: {request: "GET /payments/{customer}", reads: charge, saga: request.path.customer, which: request.path.customer == action.request.body.customer, answer: {body: {state: paid}}}
steps:`, 1)
	asks := func(ctx context.Context, method, url string, body []byte) (code int, answer []byte, err error) {
		code, answer, err = usual(ctx, method, url, body)
		var charge struct{ Customer string }
		if json.Unmarshal(body, &charge) == nil && charge.Customer != "" {
			_, _, _ = do(ctx, http.MethodGet, url+"/"+charge.Customer, nil, nil)
		}
		return code, answer, err
	}
	h, flow := startShopOf(t, &shop{send: asks}, "127.0.0.1", text)
	for name, c := range map[string]struct {
		fault   faults.Fault
		code    int
		partial bool
		heard   bool
	}{
		"behind its status": {faults.Fault{Kind: "truncate", Bytes: 40}, 200, true, true},
		"within its status": {faults.Fault{Kind: "truncate", Bytes: 11}, 0, false, true},
		"within its body":   {faults.Fault{Kind: "break-body"}, 200, true, true},
		"before it":         {faults.Fault{Kind: "reset"}, 0, false, false},
	} {
		c.fault.Saga, c.fault.At = 1, saga.FailurePoint{Step: "find", Direction: saga.Action, Attempt: 1, Phase: saga.Response}
		hist := runShop(t, h, flow, 1, faults.Plan{Faults: []faults.Fault{c.fault}})
		s := history.NewIndex(hist).Sagas[0]
		if len(s.Reads) != 1 {
			t.Fatalf("%s: %d reads", name, len(s.Reads))
		}
		if e := s.Reads[0]; e.Code != c.code || e.Partial != c.partial || len(e.Told) != 1 || (e.Passed > 0) != c.heard {
			t.Errorf("%s: %+v", name, e)
		}
		if found := len(s.Op("charge", saga.Action).Found); (found == 1) != c.heard {
			t.Errorf("%s: found %d times, heard %t", name, found, c.heard)
		}
	}
}
