package orchestrators

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// listener finds the process that listens on the port of a URL on this machine; of
// several that share the socket the oldest. 0: not known, for example because it is
// another user's.
func listener(u *url.URL) (pid int) {
	port, here := portOf(u)
	n, err := strconv.Atoi(port)
	if err != nil || !here {
		return 0
	}
	sockets, _ := listeners(n) // one of the tables may be missing
	if len(sockets) == 0 {
		return 0
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	for _, f := range files {
		if to, err := os.Readlink(f); err != nil || !slices.Contains(sockets, to) { // it went meanwhile, or is not ours to see
			continue
		}
		if p, err := strconv.Atoi(strings.Split(f, "/")[2]); err == nil && (pid == 0 || p < pid) {
			pid = p
		}
	}
	return pid
}

// exited waits until a process that need not be a child has ended; false: ctx ended
// first, or the kernel can't tell.
func exited(ctx context.Context, pid int) bool {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	defer f.Close() //nolint:errcheck // nothing was written
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	defer stop()
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	err = conn.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, _ := unix.Poll(p, 0) // readable: the process has ended
		return n > 0
	})
	return err == nil
}
