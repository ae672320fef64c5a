package mutation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers/mutation"
)

// What is said of drift, and is not so, is seen wherever it can be judged.
func TestDriftOperatorsAreSeen(t *testing.T) {
	all := slices.DeleteFunc(mutation.Operators(), func(o mutation.Operator) bool { return !strings.HasPrefix(o.Name, "drift-") })
	m, err := mutation.Run(t.Context(), source(t), all, nil, mutation.Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Rows {
		if r.Killed == 0 || r.Killed != r.Judged() {
			t.Errorf("%s: %d of %d seen: %v", r.Operator.Name, r.Killed, r.Judged(), r.Survived)
		}
	}
	if len(m.Rows) != 3 {
		t.Errorf("%d operators, want 3", len(m.Rows))
	}
}
