package campaign

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
)

// polledMistakes are mistakes of the service in testdata/polled, whose bank takes a payment and has to
// be asked what became of it, and the property that must name each.
var polledMistakes = map[string]string{
	"":        "",
	"no-poll": "step-order",
	"once":    "step-order",
	"deaf":    "partial-success",
	"give-up": "lost-compensation",
	"tired":   "lost-compensation",

	"taken":        "false-status",
	"refund-taken": "false-status",
	"refund-once":  "false-status",

	"charge-asleep": "stuck-saga",
	"refund-asleep": "stuck-saga",
}

// TestPolled tests a workflow one of whose services answers 202, and never calls back.
func TestPolled(t *testing.T) {
	t.Parallel()
	testMistakes(t, "polled", polledMistakes, strings.NewReplacer(", declined: true", "", "parcels:\n", "parcels:\n    optional: true\n", "kind: pivot", "optional: true"), struckPolls)
}

// struckPolls checks that polls were lost and unavailable, that some came too early, and that payments
// were declined after they had been taken.
func struckPolls(t *testing.T, out string) {
	t.Helper()
	seen := map[string]bool{}
	for _, h := range historiesIn(t, out) {
		for _, f := range h.Header.Faults {
			seen[f.Kind+" "+f.At.String()] = true
		}
		for _, s := range history.NewIndex(h).Sagas {
			for _, e := range s.Reads {
				seen[map[bool]string{true: "pending", false: "done"}[len(e.Told) == 0]+" "+e.Step] = true
			}
		}
		if slices.ContainsFunc(h.Events, func(e history.Event) bool { return e.Kind == history.CallAnswered && e.Pending && e.Declined }) {
			seen["declined"] = true
		}
	}
	for _, want := range []string{
		"lose find#1@request", "lose find#1@response", "unavailable find#1@receive", "lose find-refund#1@response",
		"pending find", "done find", "pending find-refund", "done find-refund", "declined",
	} {
		if !seen[want] {
			t.Errorf("no cell had %s", want)
		}
	}
}
