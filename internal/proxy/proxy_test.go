package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo sends every line back, on a port that it returns, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return ln.Addr().String()
}

func proxyTo(t *testing.T, upstream string) *Proxy {
	t.Helper()
	p, err := Start("store", 0, upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func say(c net.Conn, line string) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	s, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(s), err
}

// call is a connection of its own, which may fail as soon as it is made.
func call(p *Proxy, line string) (string, error) {
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return "", err
	}
	defer c.Close()
	return say(c, line)
}

func TestProxyIsCutAndRestored(t *testing.T) {
	p := proxyTo(t, echo(t))
	c := dial(t, p)
	for _, line := range []string{"one", strings.Repeat("x", 1<<16)} {
		if got, err := say(c, line); err != nil || got != line {
			t.Fatalf("%d bytes, %v: expected %d", len(got), err, len(line))
		}
	}
	p.Down()
	if _, err := say(c, "two"); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("an open connection after the cut: %v: expected a reset", err)
	}
	if _, err := call(p, "three"); err == nil {
		t.Error("a new connection was served after the cut")
	}
	p.Up()
	if got, err := call(p, "four"); err != nil || got != "four" {
		t.Errorf("restored: %q, %v", got, err)
	}
}

// Neither a client that reads nothing nor a cut in the middle of a long answer
// leaves a goroutine behind (see TestMain).
func TestProxyIsCutInTheMiddle(t *testing.T) {
	p := proxyTo(t, echo(t))
	for range 8 {
		c := dial(t, p)
		if _, err := io.WriteString(c, strings.Repeat("x", 1<<19)); err != nil {
			t.Fatal(err)
		}
	}
	p.Down()
}

func TestProxyWithNothingBehind(t *testing.T) {
	p := proxyTo(t, net.JoinHostPort("127.0.0.1", "1"))
	if _, err := call(p, "one"); err == nil {
		t.Error("a connection to nothing was served")
	}
}
