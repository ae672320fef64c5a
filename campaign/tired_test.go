package campaign

import (
	"strings"
	"testing"
)

// tiredMistakes are mistakes of the service in testdata/tired, which has enough after three attempts at a
// payment, and the property that must name each: what it makes of that after a kill. Nobody can say that what was left for later
// will never come.
var tiredMistakes = map[string]string{
	"":             "",
	"unheard-kept": "lost-compensation",
	"counts-anew":  "retry-budget",
	"purged":       "lost-saga",

	"mail-forgotten": "degradation-failure" + undecided,
}

// TestTired tests a workflow that gives a step up after some attempts, and leaves one for later, with kills.
func TestTired(t *testing.T) {
	t.Parallel()
	testMistakes(t, "tired", tiredMistakes, strings.NewReplacer(), func(*testing.T, string) {})
}
