package campaign

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/results"
)

// Orchestrators that are compared side by side have a row each, in the order in which they were named, and a
// speed that was measured before; what is said of one begins with its name, and all have one progress.
func TestCompareSideBySide(t *testing.T) {
	t.Parallel()
	tiny := tinyorch.New(tinyorch.Bugs{FreshKey: true})
	t.Cleanup(tiny.Close)
	srv := httptest.NewServer(tiny)
	t.Cleanup(srv.Close)
	o := CompareOptions{
		Settings: Defaults(), Orchestrators: []string{srv.URL, Reference}, Profiles: []string{"keyed", "fenced"}, Replays: 2, Plans: 6, AtOnce: 2,
	}
	o.Scenarios, o.Properties, o.Out = []string{"single-step"}, []string{"duplicate-effect"}, t.TempDir()
	var mu sync.Mutex
	var said []string
	var shown []*bounded
	host := Host{
		Say: func(line string) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, line)
		},
		Progress: func(what string, total int) Progress {
			shown = append(shown, &bounded{t: t, what: what, total: total})
			return shown[len(shown)-1]
		},
	}
	done, err := Compare(t.Context(), host, o)
	if err != nil {
		t.Fatal(err)
	}
	matrix := done.Run.Comparison
	if len(matrix.Engines) != 2 || matrix.Engines[1].Name != Reference {
		t.Fatalf("rows: %+v", matrix.Engines)
	}
	for _, e := range matrix.Engines {
		if all := strings.Join(said, "; "); e.SagasPerSecond <= 0 && !strings.Contains(all, "was not measured") {
			t.Errorf("%s: %v sagas a second: %s", e.Name, e.SagasPerSecond, all)
		}
		for _, profile := range o.Profiles {
			m, ran := matrix.Mark(e.Name, profile, "duplicate-effect")
			if broken := m.Mark == results.IsViolated; !ran || broken != (e.Name != Reference) || broken && m.Replays.Hits != o.Replays {
				t.Errorf("%s with %s participants: %+v", e.Name, profile, m)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(done.Dir, "speeds")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was run for the speeds: %v", err)
	}
	if len(shown) != 1 || shown[0].total != shown[0].done || shown[0].done < 4*o.Plans || !shown[0].over {
		t.Errorf("progress: %+v", shown)
	}
	for _, line := range said {
		if strings.Contains(line, "once more") && !slices.ContainsFunc(o.Orchestrators, func(name string) bool { return strings.HasPrefix(line, name) }) {
			t.Errorf("nobody knows whose this is: %s", line)
		}
	}
}
