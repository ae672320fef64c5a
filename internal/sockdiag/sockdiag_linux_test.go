package sockdiag

import (
	"net"
	"net/netip"
	"testing"
)

// Who listens is found on either family, and nobody on a port that only connections have.
func TestListeners(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::]:0"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		addr := netip.MustParseAddrPort(l.Addr().String())
		c, err := net.Dial("tcp4", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), addr.Port()).String())
		if err != nil {
			t.Fatal(err)
		}
		from := netip.MustParseAddrPort(c.LocalAddr().String())
		for port, want := range map[uint16]int{addr.Port(): 1, from.Port(): 0} {
			if got, err := Listeners(port); err != nil || len(got) != want {
				t.Errorf("%s: at port %d %d listen, %v: expected %d", at, port, len(got), err, want)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got, err := Listeners(addr.Port()); err != nil || len(got) != 0 {
			t.Errorf("%s: when it is closed, %d listen, %v", at, len(got), err)
		}
	}
}
