package results_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// change changes the text of a file.
func change(t *testing.T, path, old, now string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), old) {
		t.Fatalf("no %q in %s (%v)", old, path, err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, now, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What of a run can't be what the run left is refused, and named: it would be judged in place of what was.
func TestStoredRunsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   string // behind the folder
	}{
		"no manifest": {
			func(dir string) error { return os.Remove(filepath.Join(dir, results.ManifestFile)) },
			": run.json is missing: expected it beside cells.jsonl",
		},
		"a pipe in the place of a history": {func(dir string) error {
			file := filepath.Join(dir, results.HistoriesDir, "c1.history.jsonl")
			if err := os.Remove(file); err != nil {
				return err
			}
			return syscall.Mkfifo(file, 0o600)
		}, "/histories/c1.history.jsonl: is no regular file: expected a history"},
		"a cell that is there twice": {func(dir string) error {
			file := filepath.Join(dir, results.CellsFile)
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(file, append(b, b...), 0o600)
		}, `/cells.jsonl:3: id: "c1" is in line 1 already`},
		"a history that is there twice": {func(dir string) error {
			file := filepath.Join(dir, results.CellsFile)
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			line, _, _ := strings.Cut(string(b), "\n")
			return os.WriteFile(file, append(b, strings.Replace(line, `"id":"c1"`, `"id":"c3"`, 1)+"\n"...), 0o600)
		}, `/cells.jsonl:3: history: "histories/c1.history.jsonl" is in line 1 already`},
	} {
		dir := storedRun(t, true)
		if err := c.damage(dir); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{dir, filepath.Dir(dir), filepath.Join(dir, results.HistoriesDir)} {
			if _, err := results.FindStored([]string{path}); err == nil || !strings.HasPrefix(err.Error(), dir+c.want) {
				t.Errorf("%s: %v\nexpected %s%s", name, err, dir, c.want)
			}
		}
	}
	pipe := filepath.Join(t.TempDir(), "x.history.jsonl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, filepath.Dir(pipe)} {
		if _, err := results.FindStored([]string{path}); err == nil || err.Error() != pipe+": is no regular file: expected a history" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A history counts for the cell that its run's record names, and for no other.
func TestHistoriesOfOtherCells(t *testing.T) {
	dir := storedRun(t, true)
	file, record := filepath.Join(dir, results.HistoriesDir, "c1.history.jsonl"), filepath.Join(dir, results.CellsFile)
	load := func() error {
		s, err := results.FindStored([]string{dir})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Cells[0].Load()
		return err
	}
	if err := load(); err != nil {
		t.Fatal(err)
	}
	for field, c := range map[string]struct{ old, now, want string }{
		"cell":     {`"cell":"c1"`, `"cell":"c7"`, `"c7": expected "c1"`},
		"scenario": {`"scenario":"transfer"`, `"scenario":"order"`, `"order": expected "transfer"`},
		"plan_id":  {`"plan_id":""`, `"plan_id":"p-1"`, `"p-1": expected ""`},
	} {
		change(t, file, c.old, c.now)
		if err := load(); err == nil || !strings.HasPrefix(err.Error(), file+":1: "+field+": ") || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), record+":1 ") {
			t.Errorf("%s: %v", field, err)
		}
		change(t, file, c.now, c.old)
	}
}

// A run is judged once, whether a link leads to it or not, and links in a circle end.
func TestStoredRunsBehindLinks(t *testing.T) {
	dir := storedRun(t, true)
	out, other := filepath.Dir(dir), t.TempDir()
	for link, to := range map[string]string{
		filepath.Join(out, results.LatestLink): filepath.Base(dir), filepath.Join(other, "run"): dir, filepath.Join(other, "again"): filepath.Join(dir, results.HistoriesDir),
		filepath.Join(out, "circle"): other, filepath.Join(other, "circle"): out, filepath.Join(other, "latest-check"): "removed",
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{out, other} {
		s, err := results.FindStored([]string{path})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Cells) != 2 || s.Cells[0].Info.ID != "c1" {
			t.Errorf("%s: got %+v, expected the two cells of the run", path, s.Cells)
		}
	}
	gone := filepath.Join(out, "gone")
	if err := os.Symlink("nowhere", gone); err != nil {
		t.Fatal(err)
	}
	if _, err := results.FindStored([]string{out}); err == nil || !strings.HasPrefix(err.Error(), gone+": expected a link to something that is there") {
		t.Errorf("a link that leads nowhere: %v", err)
	}
}
