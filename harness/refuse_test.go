package harness_test

import (
	"net"
	"sync"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
)

// A fault that refuses connections fires when one was refused at its own port, and
// not when some other was, wherever: here many are, all the time.
func TestRefusedElsewhereIsNoEvidence(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	var work, running sync.WaitGroup
	over := make(chan struct{})
	work.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				if c, err := net.Dial("tcp", nobody); err == nil {
					_ = c.Close() // somebody took the port: then nothing is refused there
				}
			}
		}
	})
	h, err := harness.New(harness.Options{System: startLocal(t), Parallel: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	s := scenario(t, "order")
	for at, fires := range map[string]bool{"charge.undo#1@connect": false, "charge#1@connect": true, "ship#1@connect": true} {
		plan := faults.Plan{Faults: []faults.Fault{{Kind: "refuse", At: mustPoint(at), DelayMS: 20}}}
		running.Go(func() { // side by side
			r := h.RunCell(t.Context(), harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: plan, Profile: participants.Fenced})
			if r.Err != nil {
				t.Errorf("%s: %v", at, r.Err)
				return
			}
			fired := 0
			for _, e := range r.History.Events {
				if e.Kind == history.FaultFired {
					fired++
				}
			}
			if (fired == 1) != fires || fired > 1 {
				t.Errorf("%s fired %d times", at, fired)
			}
		})
	}
	running.Wait()
	close(over)
	work.Wait()
}
