package defects

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sagacheck/sagacheck/reference/telemetry"
	"github.com/sagacheck/sagacheck/saga"
)

// Each lie says what is not so, and the true rules do not.
func TestLies(t *testing.T) {
	counted := func(r *telemetry.Rules, facts ...telemetry.Fact) *telemetry.Counts {
		c := telemetry.NewCounts()
		for _, f := range facts {
			r.Count(c, f)
		}
		return c
	}
	attempt := telemetry.Fact{Kind: telemetry.Attempt, Step: "a", Direction: saga.Action, N: 2, Outcome: "done"}
	earlier := attempt
	earlier.Replayed = true
	undo := telemetry.Fact{Kind: telemetry.Undone, Step: "a", Direction: saga.Compensation, Outcome: "done"}
	undoSpan := func() *telemetry.Span {
		return &telemetry.Span{Parent: [8]byte{1}, Links: [][8]byte{{2}}, Call: true, Attempt: 2, Attributes: []attribute.KeyValue{attribute.String("saga.direction", "compensation")}}
	}
	exported := func(r *telemetry.Rules, s *telemetry.Span) *telemetry.Span {
		if !r.Span(s) {
			return nil
		}
		return s
	}
	silent := func(r *telemetry.Rules) bool {
		return len(counted(r, undo).Compensations) == 0 && exported(r, undoSpan()) == nil && !r.Line("attempt", map[string]string{"direction": "compensation"}) &&
			r.Line("attempt", map[string]string{"direction": "action"})
	}
	for name, shows := range map[string]func(r *telemetry.Rules) bool{
		"counters-from-zero":  func(r *telemetry.Rules) bool { return len(counted(r, earlier).Retries) == 0 },
		"retries-count-twice": func(r *telemetry.Rules) bool { return total(counted(r, attempt).Retries) == 2 },
		"undone-counts-as-done": func(r *telemetry.Rules) bool {
			return counted(r, telemetry.Fact{Kind: telemetry.Ended, Status: saga.Compensated}).Ended[saga.Completed] == 1
		},
		"no-link-to-action":         func(r *telemetry.Rules) bool { return exported(r, undoSpan()).Links == nil },
		"retries-stand-alone":       func(r *telemetry.Rules) bool { return exported(r, undoSpan()).Parent == [8]byte{} },
		"spans-die-with-process":    func(r *telemetry.Rules) bool { return exported(r, &telemetry.Span{Again: true}) == nil },
		"silent-undo":               silent,
		"silent-undo-after-restart": func(r *telemetry.Rules) bool { return !silent(r) && counted(r, earlier) != nil && silent(r) },
		"no-line-of-retries":        func(r *telemetry.Rules) bool { return !r.Line("attempt", map[string]string{"attempt": "2"}) },
		"no-line-at-the-end":        func(r *telemetry.Rules) bool { return !r.Line("saga completed", nil) },
	} {
		if !shows(Lies(name)) {
			t.Errorf("%s does not show", name)
		}
		if shows(telemetry.DefaultRules()) {
			t.Errorf("%s shows without the lie too", name)
		}
		for i, d := range lies {
			if d.Name == name {
				break
			} else if i == len(lies)-1 {
				t.Errorf("%s is in no catalogue", name)
			}
		}
	}
	if Lies("no-key") != nil || Lies() != nil {
		t.Error("who breaks something else tells the truth")
	}
}

func total[K comparable](counts map[K]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}
