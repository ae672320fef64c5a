package campaign

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/queue"
	"github.com/sagacheck/sagacheck/results"
)

// staff are the workers on this machine: processes of this program. One that goes away has a
// successor, unless it says why it will not work.
type staff struct {
	x      *session
	args   []string
	env    []string
	tmp    *queue.Store // folder for their temporary files
	cancel context.CancelFunc
	work   sync.WaitGroup
	none   chan struct{} // closed when none is left

	ends atomic.Int64 // workers that ended otherwise than by themselves

	mu   sync.Mutex
	left int
	said string // by the last that ended
}

// The environment variables with the URL of the server: ours, and that of the tools of NATS, which an
// orchestrator may have a use of its own for. A worker hands on to no other process which one it took.
const (
	ServerEnv = "SAGACHECK_SERVER"
	NATSEnv   = "NATS_URL"
)

// hasty is how many workers in a row may end before they take part in the run, though the server is
// there, and hastyPause how long the second one waits; each one after it waits twice as long.
const (
	hasty      = 5
	hastyPause = 200 * time.Millisecond
)

func newStaff(x *session, w Workers, url, run string) (*staff, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, tmp, err := tmpOfWorkers(x.host)
	if err != nil {
		return nil, err
	}
	s := &staff{x: x, tmp: tmp, none: make(chan struct{}), left: w.Local, env: append(os.Environ(), ServerEnv+"="+url, "TMPDIR="+dir)}
	s.args = []string{
		program, "worker", "--run", run,
		"--parallel", fmt.Sprint(max(x.s.Parallel/w.Local, 1)), "--processes", fmt.Sprint(max(x.s.Processes/w.Local, 1)),
	}
	if w.Creds != "" {
		s.args = append(s.args, "--creds", w.Creds)
	}
	if w.NKey != "" {
		s.args = append(s.args, "--nkey", w.NKey)
	}
	if w.CA != "" {
		s.args = append(s.args, "--tlsca", w.CA)
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	for range w.Local {
		s.work.Go(func() { s.employ(ctx) })
	}
	return s, nil
}

// workersTmp begins the name of a folder for the temporary files of workers.
const workersTmp = "sagacheck-workers-"

// tmpOfWorkers makes such a folder: what a worker that is killed leaves goes with us, and what we leave if we are killed
// with the next run on this machine: who still works for us then works for nobody.
func tmpOfWorkers(host Host) (dir string, s *queue.Store, err error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), workersTmp+"*[A-Z2-7]"))
	if err == nil {
		err = queue.DropStores(left)
	}
	if err != nil { // no reason not to run
		host.say("%v", err)
	}
	dir = filepath.Join(os.TempDir(), workersTmp+rand.Text())
	s, err = queue.NewStore(dir)
	return dir, s, err
}

// employ keeps one worker at work.
func (s *staff) employ(ctx context.Context) {
	for short := 0; ; {
		began, said, err := s.one(ctx)
		if ctx.Err() != nil {
			return
		}
		var exit *exec.ExitError
		code := 0
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		refused := false
		if began { // whatever it died of then is for the run to find out, by the cells that it had
			short = 0
		} else {
			if !s.x.remote.conn.Away() {
				short++
			}
			refused = code == results.ExitUnproven || code == results.ExitUsage
		}
		if refused || short >= hasty || err != nil && exit == nil {
			s.leave(fmt.Sprintf("the last one: %v: %s", err, said))
			return
		}
		if err != nil {
			s.ends.Add(1)
			s.x.host.say("a worker ended (%v%s): another one begins", err, after(": ", said))
		}
		if !began && !wait(ctx, hastyPause<<max(short-1, 0)) {
			return
		}
	}
}

// wait tells whether nothing ended it.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func after(sep, text string) string {
	if text == "" {
		return ""
	}
	return sep + text
}

// one runs one worker to its end, and tells whether it took part in the run, and what it said last.
func (s *staff) one(ctx context.Context) (began bool, last string, err error) {
	cmd := exec.CommandContext(ctx, s.args[0], s.args[1:]...)
	cmd.Env, cmd.SysProcAttr = s.env, orchestrators.GroupOfItsOwn()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	err = cmd.Run()
	for line := range strings.Lines(said.String()) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "sagacheck: ")
		began = began || strings.HasPrefix(line, takesPart)
		if line != "" {
			last = line
		}
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") { // its trace follows
			break
		}
	}
	return began, last, err
}

func (s *staff) leave(said string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	s.said = said
	if s.left == 0 {
		close(s.none)
	}
}

// gone is closed when no worker is left here; never, if there were none.
func (s *staff) gone() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.none
}

// ended is how many workers have ended otherwise than by themselves.
func (s *staff) ended() int {
	if s == nil {
		return 0
	}
	return int(s.ends.Load())
}

// last is what the last one said.
func (s *staff) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said
}

func (s *staff) close() error {
	s.cancel()
	s.work.Wait()
	return s.tmp.Drop()
}
