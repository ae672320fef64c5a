package faults

import (
	"net"
	"testing"
)

// newNarrowWire is a pool with two ports only.
func newNarrowWire(t *testing.T) *Wire {
	t.Helper()
	w := NewWire()
	w.ports = [2]int{portHigh - 2, portHigh}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func lease(t *testing.T, w *Wire) *Gate {
	t.Helper()
	gates, err := w.Lease(1)
	if err != nil {
		t.Fatal(err)
	}
	return gates[0]
}

// A gate that refuses connections for a while must get its port back, however
// many gates are opened meanwhile: else two cells share an address.
func TestShutGateKeepsItsPort(t *testing.T) {
	w := newNarrowWire(t)
	g := lease(t, w)
	if err := g.shut(); err != nil {
		t.Fatal(err)
	}
	if other := lease(t, w); other.Addr() == g.Addr() {
		t.Fatalf("%s was given away while it was shut", g.Addr())
	}
	if gates, err := w.Lease(1); err == nil {
		t.Fatalf("a third gate in a range of two ports: %s", gates[0].Addr())
	}
	if err := g.reopen(); err != nil {
		t.Fatal(err)
	}
}

// A gate whose port another program took is not given to a cell again.
func TestGateWithoutListenerIsDropped(t *testing.T) {
	w := newNarrowWire(t)
	g := lease(t, w)
	if err := g.shut(); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // a test
	if err := g.reopen(); err == nil {
		t.Fatal("a gate was opened on a port in use")
	}
	w.Release([]*Gate{g})
	if again := lease(t, w); again.Addr() == g.Addr() {
		t.Fatalf("%s was given away without a listener", g.Addr())
	}
}
