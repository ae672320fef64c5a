package api

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/reference"
)

// link leads to a server, and can fall silent: its connections stay open, and nothing
// passes.
type link struct {
	net.Listener
	silence sync.RWMutex // held while nothing may pass
}

func linkTo(t *testing.T, addr string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	k := &link{Listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", addr)
			if err != nil {
				_ = c.Close()
				continue
			}
			go k.pass(c, s)
			go k.pass(s, c)
		}
	}()
	return k
}

// pass copies until either end is closed.
func (k *link) pass(to, from net.Conn) {
	defer to.Close()
	for b := make([]byte, 4096); ; {
		n, err := from.Read(b)
		k.silence.RLock()
		_, lost := to.Write(b[:n])
		k.silence.RUnlock()
		if err != nil || lost != nil {
			return
		}
	}
}

// An owner that hears nothing of its database says so when its lease may be over, and
// another one takes over when it is, though the silent session still has its lock. When
// the first one hears again it stands by.
func testFallsSilent(t *testing.T, pg *testpostgres.Server) {
	k := linkTo(t, "127.0.0.1:"+pg.Port)
	direct := pg.DSN("silence")
	through := strings.Replace(direct, "127.0.0.1:"+pg.Port, k.Addr().String(), 1)
	first := serve(t, ServeOptions{Options: reference.Options{StoreDSN: through, Lease: 2 * time.Second}})
	first.health(t, "ready")
	second := serve(t, ServeOptions{Options: reference.Options{StoreDSN: direct, Lease: 2 * time.Second}})
	second.health(t, "standby")
	k.silence.Lock()
	first.health(t, "trouble")
	if code, answer, _ := request(t, "GET", first.base+"/sagas/none", ""); code != 503 {
		t.Error(code, answer)
	}
	second.health(t, "ready")
	if code, answer, _ := request(t, "GET", second.base+"/sagas/none", ""); code != 404 {
		t.Error(code, answer)
	}
	k.silence.Unlock()
	first.health(t, "standby")
	second.health(t, "ready")
}
