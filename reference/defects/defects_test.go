package defects

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each switch is documented, and lays something over a rule.
func TestCatalogue(t *testing.T) {
	real, names := 0, map[string]bool{}
	for _, d := range All() {
		if d.Name == "" || d.Description == "" || d.Needs == "" || (d.lay == nil) == (d.lie == nil) || d.Equivalent != (d.Anomaly == "") || names[d.Name] {
			t.Errorf("%s is not documented, or twice: %+v", d.Name, d)
		}
		names[d.Name] = true
		if !d.Equivalent {
			real++
		}
		if _, err := Rules(d.Name); err != nil {
			t.Error(err)
		}
	}
	if real < 40 || len(All())-real < 5 {
		t.Errorf("%d defects, %d equivalent switches", real, len(All())-real)
	}
}

func TestUnknownDefect(t *testing.T) {
	if _, err := Rules("tpyo"); err == nil || !strings.Contains(err.Error(), `"tpyo"`) || !strings.Contains(err.Error(), "no-key") {
		t.Error(err)
	}
	if r, err := Rules(); r != nil || err != nil {
		t.Error(r, err)
	}
}

// The executor knows no defect: it asks its rules, and nothing else.
func TestExecutorKnowsNoDefect(t *testing.T) {
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) < 30 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, d := range All() {
			if strings.Contains(string(b), `"`+d.Name+`"`) || strings.Contains(string(b), "("+d.Name+")") {
				t.Errorf("%s names %s", f, d.Name)
			}
		}
	}
}
