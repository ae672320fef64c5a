package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sagacheck/sagacheck/internal/sockdiag"
)

// What follows struct inet_diag_msg.
const (
	diagInfo     = 2   // INET_DIAG_INFO: struct tcp_info
	bytesAckedAt = 120 // tcpi_bytes_acked
	segsOutAt    = 136 // tcpi_segs_out
)

// peer tells whether a process of this machine still holds the other end of a
// connection, and how many bytes it has not read yet.
func peer(c *net.TCPConn) (holds bool, unread int) {
	theirs, ok1 := netip.ParseAddrPort(c.RemoteAddr().String())
	ours, ok2 := netip.ParseAddrPort(c.LocalAddr().String())
	if ok1 != nil || ok2 != nil {
		return false, 0
	}
	return sockdiag.Connection(theirs, ours)
}

// refusals hears of connections that the kernel refused at some ports of 127.0.0.1:
// sockets that were destroyed after they had asked for such a port, and had got no
// further.
type refusals struct {
	file  *os.File
	ports []uint16
}

// watchRefusals begins to listen.
func watchRefusals(ports []uint16) (*refusals, error) {
	fail := func(err error) (*refusals, error) {
		return nil, fmt.Errorf("evidence of refused connections: %w", err)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fail(err)
	}
	r := &refusals{file: os.NewFile(uintptr(fd), "sock_diag"), ports: ports}
	const groups = 1<<0 | 1<<2 // SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY
	if err := errors.Join(r.filter(fd), unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, keptUnread), unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups})); err != nil {
		r.close()
		return fail(err)
	}
	return r, nil
}

// keptUnread is how many bytes the kernel is asked to keep for a reader that gets to them
// late; it gives what it lets a program have.
const keptUnread = 4 << 20

// maxFiltered is as many ports as a jump of the filter reaches over.
const maxFiltered = 200

// filter lets sockets pass that were on their way to one of the ports, or nobody
// knows where: a program that waits inside connect(2) is parted from the port before
// its socket is destroyed. More would be lost where many connections end.
func (r *refusals) filter(fd int) error {
	if len(r.ports) > maxFiltered {
		return nil
	}
	const portAt = sockdiag.Header + 6
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: portAt}}
	for i, p := range append([]uint16{0}, r.ports...) {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(r.ports) - i + 1), K: uint32(p)})
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET}, unix.SockFilter{Code: unix.BPF_RET, K: 1 << 16})
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func (r *refusals) close() { _ = r.file.Close() } // nothing was written

// next waits a little for a refused connection. from is the port that it came from, if it
// surely went to one of the ports.
func (r *refusals) next() (was refusal, from uint16, err error) {
	var buf [4096]byte
	if err := r.file.SetReadDeadline(time.Now().Add(refusalPoll)); err != nil {
		return notRefused, 0, fmt.Errorf("evidence of refused connections: %w", err)
	}
	n, err := r.file.Read(buf[:])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return notRefused, 0, nil
	case errors.Is(err, unix.ENOBUFS): // more than the kernel keeps: what was lost is not known
		return maybeRefused, 0, nil
	case err != nil:
		return notRefused, 0, fmt.Errorf("evidence of refused connections: %w", err)
	}
	if n < sockdiag.Header+sockdiag.Length {
		return notRefused, 0, nil
	}
	m := buf[sockdiag.Header:n]
	from, to := binary.BigEndian.Uint16(m[4:]), binary.BigEndian.Uint16(m[6:])
	switch {
	case from == 0:
		return notRefused, 0, nil
	case to == 0: // or a listener, which has never asked for anything
		if !destination(m).IsLoopback() {
			return notRefused, 0, nil
		}
		return maybeRefused, 0, nil
	case slices.Contains(r.ports, to) && onlyAsked(m[sockdiag.Length:]):
		return surelyRefused, from, nil
	}
	return notRefused, 0, nil
}

// destination is the address that a socket asked for.
func destination(m []byte) netip.Addr {
	if m[0] == unix.AF_INET {
		return netip.AddrFrom4([4]byte(m[24:28]))
	}
	return netip.AddrFrom16([16]byte(m[24:40])).Unmap()
}

// onlyAsked tells from a socket's tcp_info that it has sent a SYN and nothing that it
// sent was ever acknowledged.
func onlyAsked(attributes []byte) bool {
	for a := attributes; len(a) >= unix.SizeofNlAttr; {
		length, kind := int(binary.NativeEndian.Uint16(a)), binary.NativeEndian.Uint16(a[2:])
		if length < unix.SizeofNlAttr || length > len(a) {
			return false
		}
		if kind == diagInfo && length >= unix.SizeofNlAttr+segsOutAt+4 {
			info := a[unix.SizeofNlAttr:length]
			return binary.NativeEndian.Uint64(info[bytesAckedAt:]) == 0 && binary.NativeEndian.Uint32(info[segsOutAt:]) > 0
		}
		a = a[min((length+3)&^3, len(a)):]
	}
	return false
}
