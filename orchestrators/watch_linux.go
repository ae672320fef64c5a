package orchestrators

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
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
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listeningSockets(table, n, sockets)
	}
	if len(sockets) == 0 {
		return 0
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	for _, f := range files {
		if to, err := os.Readlink(f); err != nil || !sockets[to] { // it went meanwhile, or is not ours to see
			continue
		}
		if p, err := strconv.Atoi(strings.Split(f, "/")[2]); err == nil && (pid == 0 || p < pid) {
			pid = p
		}
	}
	return pid
}

// listeningSockets adds the names of the sockets that listen on a port, as they stand
// in /proc/PID/fd. Listening sockets stand first in the table.
func listeningSockets(table string, port int, sockets map[string]bool) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer f.Close() //nolint:errcheck // only read
	const listen = "0A"
	lines := bufio.NewScanner(f)
	lines.Scan() // the header
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listen {
			return
		}
		if strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
			sockets["socket:["+fields[9]+"]"] = true
		}
	}
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
