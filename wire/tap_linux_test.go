package wire

import (
	"errors"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A peer that has ended its writing side only confirms an answer that came since when it
// pleases.
func TestPeerThatHadHalfClosedBeforeTheAnswerHasFinished(t *testing.T) {
	peer, ours := connect(t)
	control(peer, func(fd int) {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0); err != nil {
			t.Fatal(err)
		}
	})
	if err := peer.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(ours, anAnswer); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		time.Sleep(5 * time.Millisecond) // the peer's end has been seen by then
		err := ours.Close()
		_, err2 := io.Copy(io.Discard, peer)
		read <- errors.Join(err, err2, peer.Close())
	}()
	ours.readToEnd()
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	if ours.finished.IsZero() {
		t.Error("it is not certain that the answer was read")
	}
}
