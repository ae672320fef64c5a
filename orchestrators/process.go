//go:build unix

package orchestrators

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one process of an engine, with whatever it starts itself: its group.
// It is ended with the group, by the kernel if we die first (Linux).
type process struct {
	spec Process
	argv []string
	env  []string // besides ours
	dir  string
	log  string          // file
	gone func(how error) // told when a life ends that we did not end

	mu      sync.Mutex
	running *running // nil: never started
}

// running is one life of a process.
type running struct {
	cmd      *exec.Cmd
	done     chan struct{}
	err      error // once done is closed
	expected bool  // we ended it
}

// stopGrace is how long a process may take to end by itself.
const stopGrace = 5 * time.Second

// start begins a life of the process; its output goes to the end of its log.
func (p *process) start(context.Context) error {
	if p.life() != nil {
		return nil
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", p.spec.Name, err)
	}
	defer log.Close() //nolint:errcheck // who writes has it open, too
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.Env = append(os.Environ(), p.env...)
	cmd.SysProcAttr = GroupOfItsOwn()
	r := &running{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.live(r, started)
	if err := <-started; errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: command: %s: there is no such program, or none for this machine: build it, or put it there", p.spec.Name, p.argv[0])
	} else if err != nil {
		return fmt.Errorf("%s: %w", p.spec.Name, err)
	}
	p.mu.Lock()
	p.running = r
	p.mu.Unlock()
	return nil
}

// RunAsGroup runs a command that has a context, with all that it starts, in a group of
// its own, which gets no signals of a terminal. It is killed as a whole when the context
// ends, and what is left of it when the command is over.
func RunAsGroup(cmd *exec.Cmd) error {
	runtime.LockOSThread() // see running.run
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = GroupOfItsOwn()
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
			return err
		}
		return os.ErrProcessDone
	}
	err := cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // there may be nobody left
	}
	return err
}

// live is one life of the process, and what is told of its end.
func (p *process) live(r *running, started chan<- error) {
	if !r.run(started) || p.gone == nil {
		return
	}
	p.mu.Lock()
	expected := r.expected
	p.mu.Unlock()
	if !expected {
		p.gone(p.ended(r))
	}
}

// run lives as long as the process, on one thread: the signal at the parent's
// death is sent at the death of the thread that started it.
func (r *running) run(started chan<- error) (lived bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := r.cmd.Start()
	started <- err
	if err != nil {
		return false
	}
	r.err = r.cmd.Wait()
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // what it left behind, if anything
	close(r.done)
	return true
}

// life is the current life; nil if there is none or it is over.
func (p *process) life() *running {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return nil
	}
	select {
	case <-p.running.done:
		return nil
	default:
		return p.running
	}
}

func (p *process) signal(s syscall.Signal) error {
	r := p.life()
	if r == nil {
		return fmt.Errorf("%s: is not running", p.spec.Name)
	}
	if err := syscall.Kill(-r.cmd.Process.Pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%s: %v: %w", p.spec.Name, s, err)
	}
	return nil
}

// kill ends the group at once and waits until the process is gone.
func (p *process) kill(ctx context.Context) error {
	r := p.life()
	if r == nil {
		return nil
	}
	p.expect(r)
	if err := p.signal(syscall.SIGKILL); err != nil && p.life() != nil {
		return err
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: still there after SIGKILL: %w", p.spec.Name, context.Cause(ctx))
	}
}

func (p *process) expect(r *running) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.expected = true
}

// stop asks the process to end, and ends it when it does not.
func (p *process) stop(ctx context.Context) error {
	r := p.life()
	if r == nil {
		return nil
	}
	p.expect(r)
	err := errors.Join(p.signal(syscall.SIGTERM), p.signal(syscall.SIGCONT))
	if err != nil && p.life() == nil {
		err = nil // it went between the two
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-r.done:
		return err
	case <-grace.C:
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	return errors.Join(err, p.kill(late))
}

func (p *process) pause(ctx context.Context) error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	r := p.life()
	if r == nil {
		return p.died()
	}
	return poll(ctx, stopGrace, func(context.Context) error { return stopped(r.cmd.Process.Pid) }, p.died)
}

func (p *process) resume(context.Context) error { return p.signal(syscall.SIGCONT) }
func (p *process) crashable() bool              { return p.spec.Crashable }

func (p *process) ready(ctx context.Context, v vars, w *sender) error {
	r := p.spec.Ready
	err := poll(ctx, r.Timeout(), func(ctx context.Context) error { return r.check(ctx, v, w) }, p.died)
	if err != nil && p.died() == nil {
		err = fmt.Errorf("process %s: %w; the end of %s:\n%s", p.spec.Name, err, p.log, logTail(p.log))
	}
	return err
}

// died is nil while the process runs or after we ended it; otherwise how it ended,
// with its last log lines.
func (p *process) died() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil || p.running.expected {
		return nil
	}
	select {
	case <-p.running.done:
	default:
		return nil
	}
	return p.ended(p.running)
}

// ended says how a life ended, with its last log lines.
func (p *process) ended(r *running) error {
	how := "exit status 0"
	if err := r.err; err != nil {
		how = err.Error()
	}
	return fmt.Errorf("process %s died (%s); the end of %s:\n%s", p.spec.Name, how, p.log, logTail(p.log))
}

const (
	tailLines = 15
	tailBytes = 8 << 10
)

// logTail is the end of a log, indented.
func logTail(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return "\t(" + err.Error() + ")"
	}
	defer f.Close() //nolint:errcheck // only read
	if st, err := f.Stat(); err == nil && st.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return "\t(" + err.Error() + ")"
		}
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return "\t(" + err.Error() + ")"
	}
	lines := strings.Split(string(bytes.TrimSpace(b)), "\n")
	return "\t" + strings.Join(lines[max(0, len(lines)-tailLines):], "\n\t")
}
