package wire

import (
	"net"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
)

// TestTheEndOfACellCutsItsCopies: a second copy that nobody answers does not keep
// the cell, and is no call of the orchestrator's.
func TestTheEndOfACellCutsItsCopies(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	w := New()
	rec := history.NewRecorder(history.Header{})
	in, err := NewInjector(w, Setup{Rec: rec})
	if err != nil {
		t.Fatal(err)
	}
	in.Plan.Faults = []faults.Fault{{Kind: "duplicate"}}
	req := newMessage(strings.NewReader("POST / HTTP/1.1\r\nHost: x\r\n\r\n"))
	if _, err := req.request(); err != nil {
		t.Fatal(err)
	}
	in.second(0, &exchange{script: &script{in: in, upstream: Upstream{Addr: ln.Addr().String()}}, req: req}, 0)
	c, err := ln.Accept() // and no answer
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for _, e := range rec.Close().Events {
		if e.Kind != history.FaultFired && e.Kind != history.FaultHealed {
			t.Errorf("recorded %+v", e)
		}
	}
}
