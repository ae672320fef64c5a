//go:build !linux

package sockdiag

import (
	"errors"
	"net/netip"
)

// Connection is known on Linux only.
func Connection(netip.AddrPort, netip.AddrPort) (held bool, unread int) { return false, 0 }

// Listeners are known on Linux only.
func Listeners(uint16) (inodes []uint32, err error) { return nil, errors.ErrUnsupported }
