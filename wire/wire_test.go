package wire

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"
)

// newNarrowWire is a pool with n ports only. They lie below those of other pools:
// packages are tested at the same time, and a pool of another one would take them.
func newNarrowWire(t *testing.T, n int) *Wire {
	t.Helper()
	const below = 2000
	from := portLow - below + rand.IntN(below-n)
	for tries := 0; !allFree(from, n); tries++ {
		if tries == 100 {
			t.Fatalf("no %d free ports in a row below %d", n, portLow)
		}
		from = portLow - below + rand.IntN(below-n)
	}
	return newWireOn(t, from, n)
}

// newWireOn is a pool with n ports only, the first of which is given.
func newWireOn(t *testing.T, from, n int) *Wire {
	t.Helper()
	w := New()
	w.ports = [2]int{from, from + n}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func allFree(from, n int) bool {
	for port := from; port < from+n; port++ {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil || ln.Close() != nil {
			return false
		}
	}
	return true
}

func lease(t *testing.T, w *Wire) *Endpoint {
	t.Helper()
	endpoints, err := w.Lease(1)
	if err != nil {
		t.Fatal(err)
	}
	return endpoints[0]
}

// An endpoint that refuses connections for a while must get its port back, however
// many endpoints are opened meanwhile: else two cells share an address.
func TestShutEndpointKeepsItsPort(t *testing.T) {
	w := newNarrowWire(t, 2)
	ep := lease(t, w)
	if err := ep.shut(); err != nil {
		t.Fatal(err)
	}
	if other := lease(t, w); other.Addr() == ep.Addr() {
		t.Fatalf("%s was given away while it was shut", ep.Addr())
	}
	if endpoints, err := w.Lease(1); err == nil {
		t.Fatalf("a third endpoint in a range of two ports: %s", endpoints[0].Addr())
	}
	if err := ep.reopen(); err != nil {
		t.Fatal(err)
	}
}

// While it refuses connections, no other program can take its port, not even one
// that does not mind connections that linger there.
func TestShutEndpointIsNobodyElses(t *testing.T) {
	w := newNarrowWire(t, 2)
	ep := lease(t, w)
	for range 3 {
		if err := ep.shut(); err != nil {
			t.Fatal(err)
		}
		if other, err := net.Listen("tcp", ep.Addr()); err == nil { // with SO_REUSEADDR, as Go does
			t.Fatal(errors.Join(errors.New("the port of an endpoint that is shut was taken"), other.Close()))
		}
		if c, err := net.Dial("tcp", ep.Addr()); err == nil {
			t.Fatal(errors.Join(errors.New("an endpoint that is shut takes connections"), c.Close()))
		}
		if err := ep.reopen(); err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", ep.Addr())
		if err != nil {
			t.Fatalf("an endpoint that is open again: %v", err)
		}
		defer c.Close()
	}
}

// An endpoint that could not be opened again is not given to a cell.
func TestEndpointThatIsShutIsDropped(t *testing.T) {
	w := newNarrowWire(t, 2)
	ep := lease(t, w)
	if err := ep.shut(); err != nil {
		t.Fatal(err)
	}
	w.Release([]*Endpoint{ep})
	if again := lease(t, w); again == ep {
		t.Fatalf("%s was given away without a listener", ep.Addr())
	}
}

// A client that has a connection in store would meet no refusal: what nothing has come by yet ends when its
// endpoint is shut, and what has goes on.
func TestShutEndpointPartsWithSpareConnections(t *testing.T) {
	w := newNarrowWire(t, 2)
	ep := lease(t, w)
	waiting := func(want int) {
		for n := -1; n != want; time.Sleep(time.Millisecond) {
			ep.mu.Lock()
			n = len(ep.unused)
			ep.mu.Unlock()
		}
	}
	dial := func() net.Conn {
		c, err := net.Dial("tcp", ep.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	spare, used := dial(), dial()
	waiting(2)
	if _, err := used.Write([]byte("POST / HT")); err != nil {
		t.Fatal(err)
	}
	waiting(1)
	if err := ep.shut(); err != nil {
		t.Fatal(err)
	}
	if _, err := spare.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a spare connection: %v, expected its end", err)
	}
	if err := used.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := used.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one by which something has come: %v, expected it to go on", err)
	}
	if err := ep.reopen(); err != nil {
		t.Fatal(err)
	}
}
