package orchestrators

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// What is done to a system that was started.

func (s *started) died() error {
	var errs []error
	for _, u := range s.units {
		errs = append(errs, u.died())
	}
	return errors.Join(errs...)
}

// crash does something to each crashable unit; ErrCannotKill if there is none.
func (s *started) crash(do func(unit) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := false
	var errs []error
	for _, u := range s.units {
		if u.crashable() {
			found = true
			errs = append(errs, do(u))
		}
	}
	if !found {
		return ErrCannotKill
	}
	return s.named(errors.Join(errs...))
}

func (s *started) named(err error) error {
	if err != nil {
		err = fmt.Errorf("orchestrator %s: %w", s.manifest.Name, err)
	}
	return err
}

func (s *started) Kill(ctx context.Context) error {
	err := s.crash(func(u unit) error { return u.kill(ctx) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed = s.killed || err == nil
	return err
}

func (s *started) Pause(ctx context.Context) error {
	return s.crash(func(u unit) error { return u.pause(ctx) })
}

func (s *started) Resume(ctx context.Context) error {
	return s.crash(func(u unit) error { return u.resume(ctx) })
}

func (s *started) Restart(ctx context.Context) error {
	err := s.crash(func(u unit) error {
		if err := u.start(ctx); err != nil {
			return err
		}
		return u.ready(ctx, s.vars, s.sender)
	})
	if err != nil {
		return err
	}
	said, err := s.await(ctx, time.Minute)
	if err != nil {
		return s.named(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, killed := s.said, s.killed
	s.said, s.killed = said, false
	if killed && said != "" && said == before {
		return s.named(s.outlived(said))
	}
	return nil
}

// await waits until the system is ready, and gives when it says that it started; empty: it does
// not say.
func (s *started) await(ctx context.Context, limit time.Duration) (said string, err error) {
	client := s.Client(s.base)
	ask := client.Ready
	if c, ok := client.(*contract); ok {
		ask = func(ctx context.Context) error {
			body, err := c.health(ctx)
			said = startOf(body)
			return err
		}
	}
	err = poll(ctx, limit, ask, s.died)
	return said, err
}

// outlived tells that a kill of the process at the base URL has not ended what answers there: no
// saga was ever in danger. Where another process is there, it may answer for itself.
func (s *started) outlived(said string) error {
	for i, u := range s.units {
		p, ok := u.(*process)
		if !ok || !p.crashable() || !sameHost(s.vars.fill(p.spec.Ready.URL), s.base) {
			continue
		}
		return fmt.Errorf("processes[%d].crashable: when %s was killed and is there again, GET %s/healthz says as before that it started %q: what keeps the sagas was not killed. Expected crashable: true at the process that does, and at each start another text in started", i, p.spec.Name, s.base, said)
	}
	return nil
}

// sameHost tells whether two URLs lead to the same host and port.
func sameHost(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	return err == nil && err2 == nil && u.Host != "" && u.Host == v.Host
}

func (s *started) Alive() error {
	if len(s.units) > 0 {
		return s.named(s.died())
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	return s.named(s.Client(s.base).Ready(ctx))
}

func (s *started) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	var errs []error
	for _, u := range slices.Backward(s.units) {
		errs = append(errs, u.stop(ctx))
	}
	for _, p := range s.proxies {
		errs = append(errs, p.Stop())
	}
	s.proxies = nil
	if s.translator != nil {
		s.translator.stop()
	}
	s.sender.close()
	errs = append(errs, s.hearing.close())
	errs = append(errs, ports.release(s.drawn))
	s.drawn = nil
	errs = append(errs, s.tidy())
	return s.named(errors.Join(errs...))
}

// tidy removes the folder of this start. The logs of a system that failed stay: the
// error that told it names them.
func (s *started) tidy() error {
	if s.dir == "" || s.keep {
		return nil
	}
	if err := s.copyLogs(); err != nil {
		return fmt.Errorf("the logs in %s could not be kept: %w", s.dir, err)
	}
	switch {
	case !s.failed && !s.departed(), !s.logged():
		return os.RemoveAll(s.dir)
	}
	parts, err := os.ReadDir(s.dir)
	errs := []error{err}
	for _, p := range parts {
		if p.Name() != logsDir {
			errs = append(errs, os.RemoveAll(filepath.Join(s.dir, p.Name())))
		}
	}
	return errors.Join(errs...)
}

// copyLogs copies the logs to where they are wanted, if they are.
func (s *started) copyLogs() error {
	if s.logs == nil || !s.logged() {
		return nil
	}
	to := s.logs()
	if to == "" {
		return nil
	}
	return os.CopyFS(to, os.DirFS(filepath.Join(s.dir, logsDir)))
}

// logged tells whether any process has said anything.
func (s *started) logged() bool {
	logs, err := filepath.Glob(filepath.Join(s.dir, logsDir, "*"))
	return err == nil && slices.ContainsFunc(logs, func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() > 0
	})
}

// logsDir is where in the folder of a start the logs are.
const logsDir = "logs"
