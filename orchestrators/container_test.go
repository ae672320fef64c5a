//go:build docker

package orchestrators

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// The container tests need a Docker daemon: . scripts/docker.sh.

// startContainer starts the reference executor in a container.
func startContainer(t *testing.T) System {
	t.Helper()
	self := filepath.Join(t.TempDir(), "sagacheck")
	build := exec.Command("go", "build", "-o", self, "../cmd/sagacheck")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	start := time.Now()
	s, err := Start(t.Context(), "reference-container", Options{Self: self, Dir: t.TempDir(), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ready after %v", time.Since(start).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		out, err := exec.Command("docker", "ps", "-aq", "--filter", "ancestor="+s.(*started).units[0].(*containerUnit).req.Repo+":"+s.(*started).units[0].(*containerUnit).req.Tag).Output()
		if len(out) > 0 || err != nil {
			t.Errorf("containers left behind: %s, %v", out, err)
		}
	})
	return s
}

func TestContainerDriveKillRestart(t *testing.T) {
	s := startContainer(t)
	p := newParticipant(t)
	c := s.Client(s.Base())
	r := &rig{t: t, p: p, s: s, c: c}
	r.expect("fault-free", r.submit(nil), saga.Completed, "flight", "hotel", "car")
	id, letGo := r.hold()
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	letGo()
	if err := errors.Join(s.Alive(), s.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got := r.await(id, 20*time.Second); got != saga.Completed {
		t.Errorf("killed and restarted: %s", got)
	}
	if err := s.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("paused: %v: expected silence", err)
	}
	if err := errors.Join(s.Resume(t.Context()), c.Ready(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestContainerThatDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	_, err := Start(t.Context(), "reference-container", Options{Self: "/bin/false", Dir: dir, Args: []string{"--nonsense"}})
	if err == nil || !strings.Contains(err.Error(), "container reference-container") {
		t.Errorf("Start: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != logsDir {
		t.Errorf("left behind: %v, %v: expected its logs", left, err)
	}
}
