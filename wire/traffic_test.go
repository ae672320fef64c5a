package wire

import (
	"context"
	"testing"
)

func TestTrafficIsWaitedFor(t *testing.T) {
	var tr traffic
	if !tr.wait(t.Context()) {
		t.Fatal("nothing is on its way, and it was waited for")
	}
	tr.enter()
	tr.enter()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if tr.wait(over) {
		t.Error("two are on their way, and it did not wait")
	}
	done := make(chan bool)
	go func() { done <- tr.wait(t.Context()) }()
	tr.leave()
	select {
	case <-done:
		t.Error("one is on its way, and it did not wait")
	default:
	}
	tr.leave()
	if !<-done {
		t.Error("it gave up")
	}
}
