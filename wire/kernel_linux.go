package wire

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// acknowledged tells whether the peer's kernel has confirmed all that was written
// to a connection, and no reset came back (failed; told once). A peer that reads an
// answer and closes confirms it with its end (FIN) at the latest; one that had left
// before the answer came does not, although both look alike to a reader.
func acknowledged(c *net.TCPConn) (ok, failed bool) {
	control(c, func(fd int) {
		broken, err1 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		unconfirmed, err2 := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		ending := 0 // our own end counts as one byte, and may still be on its way
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil && info.State != unix.BPF_TCP_CLOSE_WAIT {
			ending = 1
		}
		failed = err1 != nil || broken != 0
		ok = !failed && err2 == nil && unconfirmed <= ending
	})
	return ok, failed
}

// confirmed tells whether the peer's kernel has acknowledged every byte written to a
// connection whose writing side is still open.
func confirmed(c *net.TCPConn) bool {
	unconfirmed := -1
	control(c, func(fd int) {
		if n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); err == nil {
			unconfirmed = n
		}
	})
	return unconfirmed == 0
}

// sinceReceived is how long ago the kernel took the last bytes from the peer.
func sinceReceived(c *net.TCPConn) time.Duration {
	var d time.Duration
	control(c, func(fd int) {
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			d = time.Duration(info.Last_data_recv) * time.Millisecond
		}
	})
	return d
}

// control does something with a connection's descriptor; nothing if it is closed.
func control(c *net.TCPConn, f func(fd int)) {
	if rc, err := c.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { f(int(fd)) })
	}
}

// quickAck has the kernel confirm what has come at once; it forgets that soon.
func quickAck(c *net.TCPConn) {
	control(c, func(fd int) {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) // it is only faster
	})
}
