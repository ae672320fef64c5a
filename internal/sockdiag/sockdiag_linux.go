package sockdiag

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An answer is a netlink header and struct inet_diag_msg, of these lengths.
const (
	Header = unix.SizeofNlMsghdr
	Length = 72
)

const byFamily = 20 // SOCK_DIAG_BY_FAMILY

// sockID is struct inet_diag_sockid.
type sockID struct {
	SPort, DPort [2]byte // big endian
	Src, Dst     [16]byte
	If           uint32
	Cookie       [2]uint32
}

// request is struct inet_diag_req_v2 behind its netlink header.
type request struct {
	Header                     unix.NlMsghdr
	Family, Protocol, Ext, Pad uint8
	States                     uint32 // a bit each
	ID                         sockID
}

func newRequest(flags uint16, states uint32) request {
	r := request{
		Header: unix.NlMsghdr{Type: byFamily, Flags: unix.NLM_F_REQUEST | flags},
		Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, States: states,
		ID: sockID{Cookie: [2]uint32{^uint32(0), ^uint32(0)}}, // any
	}
	r.Header.Len = uint32(unsafe.Sizeof(r))
	return r
}

// ask sends a request from a netlink socket, which the caller closes.
func (r *request) ask() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return -1, err
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(r)), unsafe.Sizeof(*r))
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		_ = unix.Close(fd) // nothing was written
		return -1, err
	}
	return fd, nil
}

// Connection tells whether a process of this machine holds the end of a connection over IPv4 that
// has the address local, and how many bytes it has not read yet.
func Connection(local, remote netip.AddrPort) (held bool, unread int) {
	r := newRequest(0, ^uint32(0))
	binary.BigEndian.PutUint16(r.ID.SPort[:], local.Port())
	binary.BigEndian.PutUint16(r.ID.DPort[:], remote.Port())
	copy(r.ID.Src[:], local.Addr().Unmap().AsSlice())
	copy(r.ID.Dst[:], remote.Addr().Unmap().AsSlice())
	fd, err := r.ask()
	if err != nil {
		return false, 0
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	var buf [1024]byte
	n, _, err := unix.Recvfrom(fd, buf[:], 0)
	if err != nil || n < Header+Length || binary.NativeEndian.Uint16(buf[4:]) != byFamily {
		return false, 0 // there is no such socket any more
	}
	m := buf[Header:]
	return inode(m) != 0, int(binary.NativeEndian.Uint32(m[56:]))
}

func inode(m []byte) uint32 { return binary.NativeEndian.Uint32(m[68:]) }

// Listeners are the sockets that listen on a port, by their inodes.
func Listeners(port uint16) (inodes []uint32, err error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		r := newRequest(unix.NLM_F_DUMP, 1<<unix.BPF_TCP_LISTEN)
		r.Family = family
		binary.BigEndian.PutUint16(r.ID.SPort[:], port)
		some, err := r.listeners()
		if err != nil {
			return nil, fmt.Errorf("sock_diag: %w", err)
		}
		inodes = append(inodes, some...)
	}
	return inodes, nil
}

func (r *request) listeners() (inodes []uint32, err error) {
	fd, err := r.ask()
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	buf := make([]byte, 1<<15)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return nil, err
		}
		for b := buf[:n]; len(b) >= Header; {
			length := int(binary.NativeEndian.Uint32(b))
			switch kind := binary.NativeEndian.Uint16(b[4:]); {
			case length < Header || length > len(b):
				return nil, unix.EBADMSG
			case kind == unix.NLMSG_DONE:
				return inodes, nil
			case kind == unix.NLMSG_ERROR && length >= Header+4:
				return nil, unix.Errno(-int32(binary.NativeEndian.Uint32(b[Header:])))
			case kind == byFamily && length >= Header+Length:
				inodes = append(inodes, inode(b[Header:]))
			}
			b = b[min((length+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1), len(b)):]
		}
	}
}
