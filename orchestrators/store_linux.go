package orchestrators

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Down lets the crashable processes write no more to files, as if the disk that
// their store lies on were full: every write fails with EFBIG.
func (s *started) Down() error { return s.limitFiles(0) }

// Up lets them write again.
func (s *started) Up() error { return s.limitFiles(unix.RLIM_INFINITY) }

func (s *started) limitFiles(size uint64) error {
	var errs []error
	limited := 0
	for _, u := range s.units {
		p, ok := u.(*process)
		if !ok || !p.crashable() {
			continue
		}
		limited++
		errs = append(errs, p.limitFiles(size))
	}
	if limited == 0 {
		return errors.New("there is no process whose store could be cut off")
	}
	return errors.Join(errs...)
}

// limitFiles is about a life that may have ended: then the next has no limit.
func (p *process) limitFiles(size uint64) error {
	r := p.life()
	if r == nil {
		return nil
	}
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(r.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("%s: limit the size of its files: %w", p.spec.Name, err)
	}
	return nil
}
