package queue

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A server that is reached, and whose JetStream is no more, is not waited for without a word or an end.
func TestAServerWhoseJetStreamEnds(t *testing.T) {
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	said := make(chan string, 99)
	connect := func() *Conn {
		c, err := Connect(t.Context(), Options{
			URL: s.ClientURL(), Version: "v1", Catalogue: "c1", MuteFor: 7 * time.Second, Say: func(line string) { said <- line },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	j, err := connect().Open(t.Context(), Run{Name: "r1", Settings: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // there is nothing to remove
	finder := connect()
	if err := s.DisableJetStream(); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for who, ask := range map[string]func() error{
		"depth": func() error { _, err := j.Depth(t.Context()); return err },
		"find":  func() error { _, err := finder.Find(t.Context(), ""); return err },
	} {
		all.Go(func() { endsWith[*MuteError](t, who, "is reached, and for 7s has not done what it was asked", ask) })
	}
	all.Wait()
	close(said)
	lines := 0
	for line := range said {
		if lines++; !strings.Contains(line, "is reached, and does not do what it is asked (no answer in time)") || !strings.Contains(line, "7s at most") {
			t.Errorf("said %q", line)
		}
	}
	if lines != 2 {
		t.Errorf("said %d times: expected once by each of two", lines)
	}
}

// A server or an account without room is not waited for, and that is said to whoever runs the run, too.
func TestAFullServerIsSaid(t *testing.T) {
	fill := map[string]func(t *testing.T, s *server.Server){
		"account": func(t *testing.T, s *server.Server) {
			limits := server.JetStreamAccountLimits{MaxStore: 1, MaxMemory: -1, MaxStreams: -1, MaxConsumers: -1}
			if err := s.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
				t.Fatal(err)
			}
		},
		"server": nil,
	}
	for name, fill := range fill {
		t.Run(name, func(t *testing.T) {
			s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir(), JetStreamMaxStore: 64 << 10})
			j, err := connectTo(t, s.ClientURL()).Open(t.Context(), Run{Name: "r1", Settings: []byte("{}")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = j.Close() }) // which can't be said either
			w := join(t, connectTo(t, s.ClientURL()), "a")
			if fill != nil {
				fill(t, s)
			}
			endsWith[*FullError](t, "worker", "takes no more (nats: ", func() error {
				return w.Give(t.Context(), "c-0", bytes.Repeat([]byte("long "), mostInMessage))
			})
			if fill == nil { // what is left of it is removed, and there is room again for what is short
				return
			}
			endsWith[*FullError](t, "run", "takes no more (nats: ", func() error { _, err := j.Depth(t.Context()); return err })
		})
	}
}
