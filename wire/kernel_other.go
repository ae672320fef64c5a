//go:build !linux

package wire

import (
	"net"
	"time"
)

// acknowledged: elsewhere the kernel is not asked, and a peer's end after the whole
// answer has to do.
func acknowledged(*net.TCPConn) (ok, failed bool) { return true, false }

func confirmed(*net.TCPConn) bool { return false }

func sinceReceived(*net.TCPConn) time.Duration { return 0 }

// peer: elsewhere the end of a peer's writing side is taken for its end.
func peer(*net.TCPConn) (holds bool, unread int) { return false, 0 }

func quickAck(*net.TCPConn) {}
