package scenarios

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

func TestGeneratedScenariosAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Generator().Draw(t, "scenario")
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		b, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse("random.yaml", b)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if !reflect.DeepEqual(s, back) {
			t.Fatalf("the file reads back differently:\n%s", b)
		}
	})
}

func TestDrawIsDeterministicAndVaried(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(2000) {
		a, b := Draw(seed), Draw(seed)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d gives two scenarios", seed)
		}
		if err := a.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for name, has := range features(a) {
			if has {
				seen[name]++
			}
		}
	}
	t.Log(seen)
	for name := range features(Draw(0)) {
		if seen[name] < 20 {
			t.Errorf("%s: drawn %d times in 2000", name, seen[name])
		}
	}
	if Draw(1<<63+5).Validate() != nil {
		t.Error("a large seed gives an invalid scenario")
	}
}

// features says what a drawn scenario has that users' scenarios may have.
func features(s *Scenario) map[string]bool {
	f := map[string]bool{
		"one step": len(s.Steps) == 1, "eight steps": len(s.Steps) == 8,
		"three sagas": s.Sagas == 3, "parallel": len(s.levels()) < len(s.Steps),
		"pivot": false, "retriable": false, "deferrable": false, "compensatable": false, "after implied": false,
		"breaker": false, "deadline": false, "one attempt": false, "no undo": false, "status chain": false,
	}
	for i := range s.Steps {
		st := &s.Steps[i]
		p := s.actionPolicy(st)
		f[string(st.Kind)] = true
		f["after implied"] = f["after implied"] || i > 0 && st.After == nil
		f["breaker"] = f["breaker"] || st.Breaker != nil
		f["deadline"] = f["deadline"] || p.DeadlineMS > 0
		f["one attempt"] = f["one attempt"] || p.MaxAttempts == 1
		f["no undo"] = f["no undo"] || st.Kind == saga.Compensatable && st.undoMode() == UndoNone
		f["status chain"] = f["status chain"] || st.Do[len(st.Do)-1].Set != nil
	}
	return f
}

func BenchmarkDraw(b *testing.B) {
	for seed := uint64(0); b.Loop(); seed++ {
		Draw(seed)
	}
}
