package wire

import (
	"io"
	"net"
	"strings"
	"testing"
)

const (
	aRequest = "POST / HTTP/1.1\r\nHost: x\r\n\r\n"
	anAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
)

// connect gives the two sides of a connection, ours as a tap.
func connect(t *testing.T) (peer *net.TCPConn, ours *near) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, aRequest); err != nil {
		t.Fatal(err)
	}
	req := newMessage(far)
	if _, err := req.request(); err != nil {
		t.Fatal(err)
	}
	ours = newNear(plainly(far.(*net.TCPConn)), req)
	ours.answer = newMessage(strings.NewReader(anAnswer))
	if _, err := ours.answer.response(nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); ours.kill() })
	return c.(*net.TCPConn), ours
}

// readToEnd reads until the peer's end, as the link of an exchange does.
func (n *near) readToEnd() {
	for buf := make([]byte, 16); ; {
		if _, err := n.Read(buf); err != nil {
			return
		}
	}
}

func TestPeerThatReadTheAnswerHasFinished(t *testing.T) {
	for name, closing := range map[string]bool{"and it ends first": false, "and both end": true} {
		t.Run(name, func(t *testing.T) {
			peer, ours := connect(t)
			if _, err := io.WriteString(ours, anAnswer); err != nil {
				t.Fatal(err)
			}
			if closing {
				if err := ours.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.ReadFull(peer, make([]byte, len(anAnswer))); err != nil {
				t.Fatal(err)
			}
			if err := peer.Close(); err != nil {
				t.Fatal(err)
			}
			ours.readToEnd()
			if ours.finished.IsZero() {
				t.Error("it is not certain that the answer was read")
			}
		})
	}
}

// An orchestrator whose time-out has fired closes its connection in order. If the
// answer is written just then, the end is found after it, and proves nothing.
func TestPeerThatLeftBeforeTheAnswerHasNotFinished(t *testing.T) {
	peer, ours := connect(t)
	if err := peer.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(ours, anAnswer); err != nil {
		t.Fatal(err)
	}
	ours.readToEnd()
	if !ours.finished.IsZero() {
		t.Error("an answer that nobody was there to read counts as read")
	}
}
