package orchestrators

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// GroupOfItsOwn starts a process in its own group, which ends with us whatever
// happens to us.
func GroupOfItsOwn() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// stopped is nil when every thread of the process stands still: SIGSTOP returns
// before they do.
func stopped(pid int) error {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		// The state follows the name, which stands in brackets.
		if i := bytes.LastIndexByte(b, ')'); i < 0 || !bytes.HasPrefix(b[i:], []byte(") T")) {
			return fmt.Errorf("%s: still runs", f)
		}
	}
	return nil
}

// fillDisk lets the process write no more to files, as if the disk were full (every
// write fails with EFBIG), or write again. It is about a life that may have ended:
// then the next has no limit.
func (p *process) fillDisk(full bool) error {
	r := p.life()
	if r == nil {
		return nil
	}
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if full {
		limit.Cur = 0
	}
	if err := unix.Prlimit(r.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("%s: limit the size of its files: %w", p.spec.Name, err)
	}
	return nil
}
