package scenarios

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The example and the mistakes that the page about the format shows are real.
func TestFormatPage(t *testing.T) {
	page, err := os.ReadFile("../docs/scenario-format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("expected an example in ```yaml")
	}
	if _, err := Parse("concert.yaml", []byte(example)); err != nil {
		t.Errorf("the example is refused: %v", err)
	}
	wrong := strings.Replace(example, "from: held", "from: free", 1)
	for _, text := range []string{strings.Replace(wrong, "kind: pivot", "kind: pivto", 1), wrong} {
		if _, err := Parse("concert.yaml", []byte(text)); err == nil || !strings.Contains(string(page), "\n    "+err.Error()+"\n") {
			t.Errorf("the page does not show: %v", err)
		}
	}
	a, u := DefaultRetry, DefaultUndoRetry
	for _, row := range []string{
		fmt.Sprintf("| `max_attempts` | %d | %d |", a.MaxAttempts, u.MaxAttempts),
		fmt.Sprintf("| `initial_interval_ms` | %d | %d |", a.InitialIntervalMS, u.InitialIntervalMS),
		fmt.Sprintf("| `multiplier` | %g | %g |", a.Multiplier, u.Multiplier),
		fmt.Sprintf("| `max_interval_ms` | %d | %d |", a.MaxIntervalMS, u.MaxIntervalMS),
		fmt.Sprintf("| `jitter` | %g | %g |", a.Jitter, u.Jitter),
		fmt.Sprintf("| `attempt_timeout_ms` | %d | %d |", a.AttemptTimeoutMS, u.AttemptTimeoutMS),
		fmt.Sprintf("| `deadline_ms` | %d | %d |", a.DeadlineMS, u.DeadlineMS),
	} {
		if !strings.Contains(string(page), row) {
			t.Errorf("the page does not show the default: %s", row)
		}
	}
}
