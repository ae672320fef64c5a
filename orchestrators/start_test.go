package orchestrators

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

func startMine(t *testing.T, o Options) System {
	t.Helper()
	o.Dir = t.TempDir()
	s, err := Start(t.Context(), writeManifest(t, "time_scale: 2\nquiet_ms: 3000\n"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		left, err := filepath.Glob(filepath.Join(o.Dir, "*", "*"))
		if s.(*started).departed() {
			if len(left) != 1 || filepath.Base(left[0]) != logsDir {
				t.Errorf("after Stop of a dead engine: %v, %v: expected its logs", left, err)
			}
		} else if left, err := os.ReadDir(o.Dir); err != nil || (len(left) > 0 && !o.Keep) {
			t.Errorf("after Stop: %v, %v: expected an empty folder", left, err)
		}
	})
	return s
}

func TestStartDriveKillRestart(t *testing.T) {
	var log strings.Builder
	s := startMine(t, Options{Log: &log})
	if !strings.Contains(log.String(), "mine 1 at "+s.Base()+", data and logs in ") {
		t.Errorf("log: %q", &log)
	}
	if i := s.Info(); i.Name != "mine" || i.Version != "1" || len(i.Capabilities) != 2 {
		t.Errorf("Info = %+v", i)
	}
	if p := PaceOf(s); p.Scale != 2 || p.Quiet != 3*time.Second {
		t.Errorf("PaceOf = %+v", p)
	}
	c := s.Client(s.Base())
	if code, err := c.Submit(t.Context(), definition("s1")); code != 202 || err != nil {
		t.Fatalf("Submit = %d, %v", code, err)
	}
	base := s.Base()
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Alive(); err != nil {
		t.Errorf("after our own kill: %v", err)
	}
	if err := c.Ready(t.Context()); err == nil {
		t.Error("it answers after the kill")
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Base() != base {
		t.Errorf("restarted at %s: expected %s", s.Base(), base)
	}
	if r, _, err := c.Report(t.Context(), "s1"); err != nil || r.Status != saga.Completed {
		t.Errorf("after the restart: %+v, %v", r, err)
	}
}

// TestKillThatEndsNothing: a kill after which a server says that it started when it did before has not
// ended it, but something in front of it.
func TestKillThatEndsNothing(t *testing.T) {
	s := startMine(t, Options{})
	for i, c := range []struct{ started, want string }{
		{"monday", ""}, {"tuesday", ""}, {"tuesday", `mine: processes[0].crashable: when engine was killed and is there again, GET ` + s.Base() + `/healthz says as before that it started "tuesday"`}, {"friday", ""},
	} {
		if err := os.WriteFile(filepath.Join(s.(*started).vars["dir"], "started"), []byte(c.started), 0o644); err != nil {
			t.Fatal(err)
		}
		err := errors.Join(s.Kill(t.Context()), s.Restart(t.Context()))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("start %d, %s: %v", i+2, c.started, err)
		}
	}
}

func TestPauseResume(t *testing.T) {
	s := startMine(t, Options{})
	if err := s.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Client(s.Base()).Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("paused: %v: expected silence", err)
	}
	if err := s.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Client(s.Base()).Ready(t.Context()); err != nil {
		t.Errorf("resumed: %v", err)
	}
}

func TestStopsAPausedProcess(t *testing.T) {
	s := startMine(t, Options{})
	if err := s.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADeadEngineShowsItsLog(t *testing.T) {
	s := startMine(t, Options{})
	if _, err := http.Post(s.Base()+"/die", "", nil); err == nil {
		t.Fatal("/die answered")
	}
	err := poll(t.Context(), 5*time.Second, func(context.Context) error {
		if s.Alive() == nil {
			return errors.New("still alive")
		}
		return nil
	}, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"orchestrator mine: process engine died (exit status 7)", "engine.log", "\tout of cheese"} {
		if err := s.Alive(); !strings.Contains(err.Error(), want) {
			t.Errorf("Alive: %v: expected %q in it", err, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAnEngineThatDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	_, err := Start(t.Context(), writeManifest(t, ""), Options{Dir: dir, Self: "/bin/false"})
	if err == nil || !strings.Contains(err.Error(), "process engine died (exit status 1)") {
		t.Errorf("Start: %v", err)
	}
	_, err = Start(t.Context(), writeManifest(t, ""), Options{Dir: dir, Self: "/no/such/program"})
	if err == nil || !strings.Contains(err.Error(), "there is no such program") {
		t.Errorf("Start: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSeveralStartAtOnce(t *testing.T) {
	systems := make([]System, 4)
	var wg sync.WaitGroup
	for i := range systems {
		wg.Go(func() { systems[i] = startMine(t, Options{}) })
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, s := range systems {
		if seen[s.Base()] {
			t.Errorf("two systems at %s", s.Base())
		}
		seen[s.Base()] = true
	}
}

func TestEnginesEndWithUs(t *testing.T) {
	manifest := writeManifest(t, "")
	parent := exec.Command(os.Args[0], manifest)
	parent.Env = append(os.Environ(), "SAGACHECK_TEST=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	base, err := bufio.NewReader(out).ReadString('\n')
	base = strings.TrimSpace(base)
	if err != nil || !strings.HasPrefix(base, "http://") {
		t.Fatalf("the parent says %q, %v", base, err)
	}
	if _, err := get(t.Context(), base+"/healthz"); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed
	err = poll(t.Context(), 5*time.Second, func(ctx context.Context) error {
		if _, err := get(ctx, base+"/healthz"); err == nil {
			return errors.New("the engine still answers")
		}
		return nil
	}, func() error { return nil })
	if err != nil {
		t.Error(err)
	}
}

func TestInstall(t *testing.T) {
	t.Setenv("SAGACHECK_CACHE", t.TempDir())
	manifest := writeManifest(t, `install:
  needs: [cp]
  commands:
    - run: [cp, seedfile, "${engine}/copied"]
`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(manifest), "seedfile"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), manifest, Options{}); err == nil || !strings.Contains(err.Error(), "is not installed: run sagacheck orchestrators install mine") {
		t.Errorf("Start before Install: %v", err)
	}
	for range 2 {
		if err := Install(t.Context(), manifest, t.Output()); err != nil {
			t.Fatal(err)
		}
	}
	m, err := FindManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	dir, ok, err := m.Installed()
	if err != nil || !ok {
		t.Fatalf("Installed = %q, %v, %v", dir, ok, err)
	}
	if err := os.RemoveAll(dir); err != nil { // as a cleaner of caches does
		t.Fatal(err)
	}
	if _, ok, err := m.Installed(); err != nil || ok {
		t.Errorf("without its folder: %v, %v", ok, err)
	}
	if err := Install(t.Context(), manifest, t.Output()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "copied")); err != nil {
		t.Error(err)
	}
}

func TestProgramsOfAnInstallation(t *testing.T) {
	for name, want := range map[string][]string{
		"n8n":     {"/e", "/e/node_modules/n8n/bin/n8n"},
		"dtm":     {"/e", "/e/bin/dtm"},
		"restate": {"/e", "/e/bin/restate-server", "/e/bin/worker"},
	} {
		m, err := FindManifest(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.programs("/e"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestInstallFails(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("SAGACHECK_CACHE", cache)
	for extra, want := range map[string]string{
		"install: {needs: [no-such-program], commands: [{run: [\"true\"]}]}\n": `needs "no-such-program" on the PATH`,
		"install: {commands: [{run: [cp, nothing, there]}]}\n":                 `"cp nothing there": exit status 1`,
	} {
		if err := Install(t.Context(), writeManifest(t, extra), t.Output()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Install: %v: expected %q", err, want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(cache, "engines", "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// departures is where a test is told that a system went away.
func departures(t *testing.T, s System) <-chan error {
	t.Helper()
	told := make(chan error, 1)
	t.Cleanup(s.(Watched).Watch(func(how error) { told <- how }))
	return told
}

// TestOnlyAnUnaskedEndIsADeparture: a process that ends by itself is told to those
// who watch, now and later; one that we kill is not.
func TestOnlyAnUnaskedEndIsADeparture(t *testing.T) {
	s := startMine(t, Options{})
	told := departures(t, s)
	if err := errors.Join(s.Kill(t.Context()), s.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	select {
	case how := <-told:
		t.Fatalf("our own kill was told: %v", how)
	default:
	}
	if _, err := http.Post(s.Base()+"/die", "", nil); err == nil {
		t.Fatal("/die answered")
	}
	for _, how := range []error{<-told, <-departures(t, s)} {
		if want := "process engine died (exit status 7)"; !strings.Contains(how.Error(), want) {
			t.Errorf("told %v: expected %q in it", how, want)
		}
	}
}

// TestDepartureOfAServer: a server that somebody else started and killed is missed.
func TestDepartureOfAServer(t *testing.T) {
	s := startMine(t, Options{})
	a, err := Attach(t.Context(), s.Base())
	if err != nil {
		t.Fatal(err)
	}
	told := departures(t, a)
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if how := <-told; !strings.Contains(how.Error(), "is gone") && !strings.Contains(how.Error(), "connection refused") {
		t.Errorf("told %v", how)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDepartureOfASystemThatRan: a manifest that only says where a system runs starts
// none; that it is gone is noticed all the same.
func TestDepartureOfASystemThatRan(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	m := InFolder(Manifest{Name: "mine", Base: srv.URL}, t.TempDir())
	s, err := m.Start(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	told := departures(t, s)
	srv.Close()
	if how := <-told; !strings.HasPrefix(how.Error(), "nothing listens on 127.0.0.1:") {
		t.Errorf("told %v", how)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAServerThatWasStartedAgain: what says when it started can't be replaced unseen.
func TestAServerThatWasStartedAgain(t *testing.T) {
	starts := make(chan string, 1)
	starts <- "10:00"
	started := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		select {
		case started = <-starts:
		default:
		}
		fmt.Fprintf(w, `{"name":"mine","started":%q}`, started)
	}))
	defer srv.Close()
	s, err := Attach(t.Context(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	told := departures(t, s)
	starts <- "10:05"
	if how := <-told; !strings.Contains(how.Error(), `started "10:05", before it said "10:00"`) {
		t.Errorf("told %v", how)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
