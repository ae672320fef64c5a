package harness_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// TestAnotherCardAfterARefusal: a workflow that charges another card when the first is refused
// has asked for nothing else than what it got, and has diverged from nothing. One that does so
// when it can't know what came of the first has.
func TestAnotherCardAfterARefusal(t *testing.T) {
	send := func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
		code, answer, err := usual(ctx, method, url, body)
		if strings.HasSuffix(url, "/payments") && (err != nil || saga.Classify(code) != saga.Done) {
			return usual(ctx, method, url, bytes.Replace(body, []byte("{"), []byte(`{"card":"second",`), 1))
		}
		return code, answer, err
	}
	text := strings.Replace(shopFile, `"card:${request.body.customer}"`, `"card:${request.body.card ?? 'first'}"`, 1)
	h, flow := startShopOf(t, &shop{send: send}, "127.0.0.1", text)
	judged := []checkers.Checker{checkers.DivergedEffect{}, checkers.DoubleCredit{}}
	for kind, want := range map[string][]checkers.Outcome{
		"reject@receive": {checkers.Vacuous, checkers.Pass},
		"reset@response": {checkers.Violation, checkers.Violation},
	} {
		kind, phase, _ := strings.Cut(kind, "@")
		hist := runShop(t, h, flow, 1, faults.Plan{Faults: []faults.Fault{{Kind: kind, Saga: 1, At: mustPoint("charge#1@" + phase)}}})
		for i, v := range checkers.Judge(hist, judged) {
			if v.Outcome != want[i] {
				t.Errorf("%s: %s: %s (%s), expected %s: %v", kind, v.Property, v.Outcome, v.Reason, want[i], v.Witnesses)
			}
		}
	}
}
