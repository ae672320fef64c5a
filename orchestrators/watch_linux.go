package orchestrators

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sagacheck/sagacheck/internal/sockdiag"
)

// listener finds the process that listens on the port of a URL on this machine; of
// several that share the socket the oldest. 0: not known, for example because it is
// another user's.
func listener(u *url.URL) (pid int) {
	port, here := portOf(u)
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || !here {
		return 0
	}
	inodes, err := sockdiag.Listeners(uint16(n))
	if err != nil || len(inodes) == 0 {
		return 0
	}
	var sockets []string // as they stand in /proc/PID/fd
	for _, inode := range inodes {
		sockets = append(sockets, fmt.Sprintf("socket:[%d]", inode))
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	var holders []int
	for _, f := range files {
		if to, err := os.Readlink(f); err != nil || !slices.Contains(sockets, to) { // it went meanwhile, or is not ours to see
			continue
		}
		if p, err := strconv.Atoi(strings.Split(f, "/")[2]); err == nil {
			holders = append(holders, p)
		}
	}
	return oldest(holders)
}

// oldest finds the process that started first; 0: there is none. One that was just
// forked shares what its parent holds until it becomes another program, and its number
// may be the lower one: they begin anew at the end.
func oldest(pids []int) (pid int) {
	first := uint64(math.MaxUint64)
	for _, p := range pids {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p), "stat"))
		if err != nil {
			continue // it has ended
		}
		if at := startedAt(string(stat)); at < first {
			pid, first = p, at
		}
	}
	return pid
}

// startedAt is when a process started, in ticks since the machine did, by its
// /proc/PID/stat (proc_pid_stat(5)); the highest number: it does not say.
func startedAt(stat string) uint64 {
	const starttime = 22 - 3 // of those behind the name, which may hold blanks and brackets
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) <= starttime {
		return math.MaxUint64
	}
	at, err := strconv.ParseUint(fields[starttime], 10, 64)
	if err != nil {
		return math.MaxUint64
	}
	return at
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
