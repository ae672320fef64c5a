package wire

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// stopListening makes a listener's port refuse connections without giving it up:
// on Linux a listening socket that is shut down for reading stays bound, and without
// SO_REUSEADDR nobody else can bind its port.
func stopListening(l *net.TCPListener) error {
	return onSocket(l, func(fd int) error {
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 0),
			unix.Shutdown(fd, unix.SHUT_RD),
		)
	})
}

// listenAgain undoes it. SO_REUSEADDR lets the port listen beside its connections
// that are still open.
func listenAgain(l *net.TCPListener) error {
	return onSocket(l, func(fd int) error {
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.Listen(fd, unix.SOMAXCONN),
		)
	})
}

func onSocket(l *net.TCPListener, f func(fd int) error) error {
	rc, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = rc.Control(func(fd uintptr) { failed = f(int(fd)) })
	return errors.Join(err, failed)
}
