package wire

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be another program that is refused connections: at
// a port where nobody listens, again and again, until its standard input ends.
func TestMain(m *testing.M) {
	if addr := os.Getenv("SAGACHECK_TEST_REFUSED_AT"); addr != "" {
		beRefused(addr)
		return
	}
	os.Exit(m.Run())
}

func beRefused(addr string) {
	over := make(chan struct{})
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // its end is what counts
		close(over)
	}()
	for {
		select {
		case <-over:
			return
		default:
		}
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close() // somebody listens after all: the test tells
		}
		waitInside(addr)
		fmt.Println("refused")
	}
}

// waitInside asks for a connection as programs do that wait inside connect(2).
func waitInside(addr string) {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	_ = unix.Connect(fd, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}) // it is refused
	_ = unix.Close(fd)
}

// besides starts another program that is refused at a port of its own.
func besides(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SAGACHECK_TEST_REFUSED_AT="+addr)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			continue
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// hear waits until the kernel has told of a refused connection at one of the ports.
func hear(t *testing.T, r *refusals, wait time.Duration) (from uint16) {
	t.Helper()
	for end := time.Now().Add(wait); time.Now().Before(end); {
		was, from, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		if was == surelyRefused {
			return from
		}
	}
	return 0
}

func TestRefusalsAreOurOwn(t *testing.T) {
	besides(t)
	w := newNarrowWire(t, 2)
	ep := lease(t, w)
	// A connection that was served before, and ends while the endpoint is shut.
	old, err := net.Dial("tcp", ep.Addr())
	if err != nil {
		t.Fatal(err)
	}
	r, err := watchRefusals([]uint16{ep.port()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := ep.shut(); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if from := hear(t, r, 300*time.Millisecond); from != 0 {
		t.Fatalf("a connection from port %d counts as refused, and none was", from)
	}
	if c, err := net.Dial("tcp", ep.Addr()); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Fatalf("an endpoint that is shut: %v, %v", c, err)
	}
	if hear(t, r, 5*time.Second) == 0 {
		t.Fatal("a refused connection was not seen")
	}
}

// Who waits inside connect(2) leaves no trace of where it wanted to go.
func TestRefusalThatNobodyCanTell(t *testing.T) {
	w := newNarrowWire(t, 2)
	ep := lease(t, w)
	r, err := watchRefusals([]uint16{ep.port()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := ep.shut(); err != nil {
		t.Fatal(err)
	}
	waitInside(ep.Addr())
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		was, _, err := r.next()
		if err != nil || was == surelyRefused {
			t.Fatalf("told as ours: %v, %v", was, err)
		}
		if was == maybeRefused {
			return
		}
	}
	t.Fatal("nothing was heard")
}
