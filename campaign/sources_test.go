package campaign

import (
	"os"
	"path/filepath"
	"testing"
)

// A file is named as those who look at the repository name it, from wherever the run began; one outside of any, from there.
func TestFilesAreNamedFromTheRootOfTheirRepository(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"repo/.git", "repo/tests/sagas", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(root, "repo", "tests"))
	for path, want := range map[string]string{
		"sagas/order.yaml":    "tests/sagas/order.yaml",
		"../order.yaml":       "order.yaml",
		"../../elsewhere/a.b": filepath.ToSlash(filepath.Join(root, "elsewhere", "a.b")),
	} {
		if got := inRepository(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	t.Chdir(root)
	if got := inRepository("elsewhere/a.b"); got != "elsewhere/a.b" {
		t.Errorf("without a repository it is %q", got)
	}
}
