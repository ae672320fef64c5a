package checkers_test

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
)

var clauseName = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// Each checker has clauses, each with a name and a text of its own.
func TestClausesAreComplete(t *testing.T) {
	for _, c := range checkers.All() {
		d := c.Doc()
		if len(d.Clauses) == 0 {
			t.Errorf("%s has no clause", d.Name)
		}
		names, texts := map[string]bool{}, map[string]bool{}
		for _, k := range d.Clauses {
			if !clauseName.MatchString(k.Name) || names[k.Name] {
				t.Errorf("%s: clause %q: expected a name of its own, in lower case with hyphens", d.Name, k.Name)
			}
			if len(k.Text) < 20 || texts[k.Text] {
				t.Errorf("%s: clause %s: %q: expected a text of its own", d.Name, k.Name, k.Text)
			}
			names[k.Name], texts[k.Text] = true, true
		}
	}
}

// The golden histories of a checker show each of its clauses held, and broken.
func TestGoldensShowEachClause(t *testing.T) {
	for _, c := range checkers.All() {
		d := c.Doc()
		files, err := filepath.Glob(filepath.Join("testdata", d.Name, "*.txt"))
		if err != nil {
			t.Fatal(err)
		}
		var counts []checkers.Count
		for _, file := range files {
			counts = checkers.JoinCounts(counts, judge(t, d.Name, parse(t, readFile(t, file))).Clauses)
		}
		for _, k := range counts {
			if k.Held == 0 || k.Broken == 0 {
				t.Errorf("%s: clause %s: held %d, broken %d in its golden histories", d.Name, k.Clause, k.Held, k.Broken)
			}
		}
	}
}
