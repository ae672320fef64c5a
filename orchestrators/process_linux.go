package orchestrators

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// groupOfItsOwn starts a process in its own group, which ends with us whatever
// happens to us.
func groupOfItsOwn() *syscall.SysProcAttr {
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
