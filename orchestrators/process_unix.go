//go:build unix && !linux

package orchestrators

import "syscall"

// groupOfItsOwn starts a process in its own group. Where the kernel does not end
// it after a crash of ours, it stays.
func groupOfItsOwn() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// stopped believes that SIGSTOP has done its work.
func stopped(int) error { return nil }
