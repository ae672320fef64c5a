package orchestrators

import "testing"

// A port that was drawn is nobody else's, in whichever process, until it is given
// back: its engine may be killed, and nobody listen there for a while.
func TestDrawnPortIsLocked(t *testing.T) {
	port, err := ports.draw()
	if err != nil {
		t.Fatal(err)
	}
	if other, err := lockPort(port); err == nil { // as another process would
		other.Close()
		t.Fatalf("port %d was locked twice", port)
	}
	if err := ports.release([]int{port}); err != nil {
		t.Fatal(err)
	}
	again, err := lockPort(port)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
