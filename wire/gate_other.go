//go:build !linux

package wire

import (
	"errors"
	"net"
)

var errNeedsLinux = errors.New("connections can be refused on Linux only")

func stopListening(*net.TCPListener) error { return errNeedsLinux }

func listenAgain(*net.TCPListener) error { return errNeedsLinux }

// refusals: only Linux tells of connections that were refused.
type refusals struct{}

func watchRefusals([]uint16) (*refusals, error) { return nil, errNeedsLinux }

func (*refusals) close() {}

func (*refusals) next() (was refusal, from uint16, err error) { return notRefused, 0, errNeedsLinux }
