package reports

import (
	"os/exec"
	"testing"
)

// A path is one word of a shell's command line, as it was.
func TestQuotePath(t *testing.T) {
	for path, want := range map[string]string{
		"out/latest/failures/x-1.yaml": "out/latest/failures/x-1.yaml",
		"my runs/x.yaml":               "'my runs/x.yaml'",
		"~/x":                          "'~/x'",
		"it's":                         `'it'\''s'`,
		"-x":                           "./-x",
		"a\nb":                         "'a\nb'",
		"#1 `date` !$(x) {a,b}":        "'#1 `date` !$(x) {a,b}'",
		"über":                         "'über'",
	} {
		got := QuotePath(path)
		if got != want {
			t.Errorf("%q: got %s, want %s", path, got, want)
		}
		out, err := exec.Command("sh", "-c", "printf %s "+got).Output()
		if err != nil {
			t.Fatal(err)
		}
		if back := string(out); back != path && back != "./"+path {
			t.Errorf("%q: the shell reads %q", path, back)
		}
	}
}
