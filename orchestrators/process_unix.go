//go:build unix && !linux

package orchestrators

import (
	"fmt"
	"syscall"
)

// GroupOfItsOwn starts a process in its own group. Where the kernel does not end
// it after a crash of ours, it stays.
func GroupOfItsOwn() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// stopped believes that SIGSTOP has done its work.
func stopped(int) error { return nil }

// fillDisk can't be done: only Linux limits a process from outside.
func (p *process) fillDisk(bool) error {
	return fmt.Errorf("%s: a full disk needs Linux", p.spec.Name)
}
