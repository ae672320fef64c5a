package scenarios

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

func TestEveryFileIsInTheCatalogue(t *testing.T) {
	listed := map[string]bool{}
	for _, name := range names {
		listed["catalogue/"+name+".yaml"] = true
	}
	for _, name := range threadNames() {
		listed["catalogue/threads/"+name+".yaml"] = true
	}
	err := fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !listed[file] {
			t.Errorf("%s is not in the catalogue", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(All(), Threads()...) {
		if !listed["catalogue/"+s.Name+".yaml"] && !listed["catalogue/threads/"+s.Name+".yaml"] {
			t.Errorf("scenario %q has a file of another name", s.Name)
		}
	}
}

// Each definition of the catalogue is what the contract and the ledgers want.
func TestCatalogueBuilds(t *testing.T) {
	for _, s := range append(All(), Threads()...) {
		defs, registers := s.Build(exampleIDs(s.Sagas), exampleAddress)
		for _, d := range defs {
			if err := d.Validate(); err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
			for _, st := range d.Steps {
				e, err := st.Action.Effect()
				if err != nil || e.IsZero() || e.Validate() != nil {
					t.Errorf("%s: %s: effect %v: %v, %v", s.Name, st.Name, e, err, e.Validate())
				}
				for _, p := range e.Postings {
					checkLedger(t, s, st.Name, p.Account)
				}
				for _, w := range e.Writes {
					checkLedger(t, s, st.Name, w.Register)
				}
			}
		}
		for name := range registers {
			if strings.Contains(name, placeholder) {
				t.Errorf("%s: register %q still has its placeholder", s.Name, name)
			}
		}
	}
}

func checkLedger(t *testing.T, s *Scenario, step, name string) {
	t.Helper()
	if ledger, _, _ := strings.Cut(name, "/"); ledger != s.Participant(step) || strings.Contains(name, placeholder) {
		t.Errorf("%s: %s: %q: expected the ledger of %q", s.Name, step, name, s.Participant(step))
	}
}

// The catalogue as a whole has what a user's saga may have.
func TestCatalogueIsVaried(t *testing.T) {
	has := map[string]bool{}
	for _, s := range All() {
		has["concurrent"] = has["concurrent"] || s.Sagas > 1
		has["herd"] = has["herd"] || s.Sagas >= 16
		has["parallel"] = has["parallel"] || slices.ContainsFunc(s.levels(), func(l []int) bool { return len(l) > 2 })
		for i := range s.Steps {
			st := &s.Steps[i]
			has[string(st.Kind)] = true
			has["breaker"] = has["breaker"] || st.Breaker != nil
			has["one attempt"] = has["one attempt"] || s.actionPolicy(st).MaxAttempts == 1
			has["bounded undo"] = has["bounded undo"] || st.undoMode() != UndoNone && s.undoPolicy(st).MaxAttempts > 0
			has["no undo"] = has["no undo"] || st.Kind == saga.Compensatable && st.undoMode() == UndoNone
			for _, c := range st.Do {
				has["transfer"] = has["transfer"] || c.Transfer != nil
				has["set"] = has["set"] || c.Set != nil
				has["create"] = has["create"] || c.Create != nil
				has["delete"] = has["delete"] || c.Delete != nil
			}
		}
	}
	for _, want := range []string{
		"concurrent", "herd", "parallel", "compensatable", "pivot", "retriable", "deferrable", "breaker",
		"one attempt", "bounded undo", "no undo", "transfer", "set", "create", "delete",
	} {
		if !has[want] {
			t.Errorf("no scenario has: %s", want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		patterns []string
		want     string
	}{
		{nil, strings.Join(names, " ")},
		{[]string{"order"}, "order"},
		{[]string{"order*"}, "order order-status"},
		{[]string{"transfer", "order*", "order"}, "order transfer order-status"},
	} {
		found, err := Match(c.patterns...)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, s := range found {
			have = append(have, s.Name)
		}
		if strings.Join(have, " ") != c.want {
			t.Errorf("%q matches %v, want %s", c.patterns, have, c.want)
		}
	}
	for pattern, want := range map[string]string{
		"oder":                      `scenario "oder": nothing has this name`,
		"[":                         `scenario "[": syntax error in pattern`,
		path.Join("no", "file.yml"): `no such file`,
	} {
		if _, err := Match(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %s", pattern, err, want)
		}
	}
}
