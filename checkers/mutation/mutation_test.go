package mutation_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/sagacheck/sagacheck/checkers/mutation"
	"github.com/sagacheck/sagacheck/history"
)

// goldens yields the histories that the goldens of all checkers call a pass.
func goldens(t *testing.T) func(func(*history.History, error) bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", "*", "pass*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden histories: %v", err)
	}
	return func(yield func(*history.History, error) bool) {
		for _, name := range files {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			h, err := history.ParseText(f)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if err == nil {
				h.Header.Cell = filepath.Base(filepath.Dir(name)) + "/" + filepath.Base(name)
			}
			if !yield(h, err) {
				return
			}
		}
	}
}

// Mistakes in histories that passed are seen, and legal variations turn no verdict.
func TestOperatorsAreSeen(t *testing.T) {
	m, err := mutation.Run(t.Context(), source(t), mutation.Operators(), mutation.Variations(), mutation.Sampling{})
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, r := range m.Rows {
		killed += r.Killed
		for _, survived := range r.Survived {
			t.Logf("%s survived: %s", r.Operator.Name, survived)
		}
	}
	if killed < 1000 {
		t.Errorf("%d mutants were seen", killed)
	}
	for _, turned := range m.Turned {
		t.Errorf("a legal variation turned a verdict: %s", turned)
	}
}

func TestMutantsLeaveTheHistoryAlone(t *testing.T) {
	for h, err := range goldens(t) {
		if err != nil {
			t.Fatal(err)
		}
		var before, after bytes.Buffer
		if _, err := h.WriteTo(&before); err != nil {
			t.Fatal(err)
		}
		for _, o := range mutation.Operators() {
			for where, mutant := range o.Mutants(h) {
				for i, e := range mutant.Events {
					if e.Seq != i+1 || i > 0 && e.At < mutant.Events[i-1].At {
						t.Fatalf("%s at %s: event %d has number %d and time %v", o.Name, where, i+1, e.Seq, e.At)
					}
				}
			}
		}
		if _, err := h.WriteTo(&after); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before.Bytes(), after.Bytes()) {
			t.Errorf("%s was changed", h.Header.Cell)
		}
	}
}

// source is the goldens, loaded once.
func source(t *testing.T) mutation.Source {
	t.Helper()
	var all []*history.History
	for h, err := range goldens(t) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	return mutation.Source{Len: len(all), Load: func(i int) (*history.History, error) { return all[i], nil }}
}

// A sample depends on the histories alone, and leaves out what it says.
func TestSampling(t *testing.T) {
	src, sample := source(t), mutation.Sampling{Histories: 2, Places: 1, Vary: 4}
	var first mutation.Matrix
	for n := range 2 {
		m, err := mutation.Run(t.Context(), src, mutation.Operators(), nil, sample)
		if err != nil {
			t.Fatal(err)
		}
		if m.Changed >= m.Places || m.Changed == 0 {
			t.Errorf("changed %d of %d", m.Changed, m.Places)
		}
		for i, r := range m.Rows {
			if r.Mutants < min(2, r.Places) {
				t.Errorf("%s: %d mutants in %d histories with a place", r.Operator.Name, r.Mutants, r.Places)
			}
			if n > 0 && (r.Mutants != first.Rows[i].Mutants || r.Killed != first.Rows[i].Killed) {
				t.Errorf("%s: %d of %d, and then %d of %d", r.Operator.Name, first.Rows[i].Killed, first.Rows[i].Mutants, r.Killed, r.Mutants)
			}
		}
		first = m
	}
}
