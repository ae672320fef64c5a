package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// ofOthers starts a NATS server as others run it.
func ofOthers(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.JetStream, o.NoLog, o.NoSigs = "127.0.0.1", true, true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.WaitForShutdown)
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(readyLimit) {
		t.Fatal("no server")
	}
	return s
}

func connectTo(t *testing.T, url string) *Conn {
	t.Helper()
	c, err := Connect(t.Context(), Options{URL: url, Version: "v1", Catalogue: "c1", AckWait: time.Second, GoneAfter: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// endsWith waits until an answer is final, and expects an error of that type and with that text.
func endsWith[E error](t *testing.T, who, text string, ask func() error) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && pause(t.Context(), 50*time.Millisecond); {
		err := ask()
		if err == nil || errors.Is(err, ErrAway) {
			continue
		}
		var want E
		if !errors.As(err, &want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v: expected %T with %q", who, err, want, text)
		}
		return
	}
	t.Errorf("%s waits still", who)
}

// A server that has come back without what it had stored is not waited for, by nobody.
func TestALostStoreIsSaid(t *testing.T) {
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	url := s.ClientURL()
	j, err := connectTo(t, url).Open(t.Context(), Run{Name: "r1", Settings: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // there is nothing to remove
	w := join(t, connectTo(t, url), "a")
	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	ofOthers(t, &server.Options{Port: port, StoreDir: t.TempDir()})
	var all sync.WaitGroup
	defer all.Wait()
	for who, ask := range map[string]func() error{
		"depth": func() error { _, err := j.Depth(t.Context()); return err },
		"put":   func() error { return j.Put(t.Context(), Chunk{Number: 7}) },
		"take":  func() error { _, err := w.Take(t.Context()); return err },
		"give":  func() error { return w.Give(t.Context(), "c-0", nil) },
		"known": func() error { _, err := w.Known(t.Context(), "c-0"); return err },
		"join":  func() error { _, err := w.conn.Join(t.Context(), j.run, "b"); return err },
	} {
		all.Go(func() { endsWith[*LostError](t, who, "has lost run r1", ask) })
	}
}

// A server that takes short messages only is given short ones.
func TestAServerOfShortMessages(t *testing.T) {
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir(), MaxPayload: 8 << 10})
	j := open(t, connectTo(t, s.ClientURL()), 1)
	w := join(t, connectTo(t, s.ClientURL()), "a")
	long := bytes.Repeat([]byte("long "), 20<<10)
	if err := w.Give(t.Context(), "c-0", long); err != nil {
		t.Fatal(err)
	}
	if all := collect(t, j, 1); len(all) != 1 || !bytes.Equal(all[0].Body, long) {
		t.Errorf("got %d results: %.40q", len(all), fmt.Sprint(all))
	}
}

// Whoever may not do what it needs is told which right is missing.
func TestMissingRightsAreSaid(t *testing.T) {
	everything := &server.Permissions{}
	without := func(subject string) *server.Permissions {
		return &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{subject}}}
	}
	users := []*server.User{
		{Username: "all", Password: "p", Permissions: everything},
		{Username: "no-streams", Password: "p", Permissions: without("$JS.API.STREAM.CREATE.>")},
		{Username: "no-chunks", Password: "p", Permissions: without("sagacheck.*.chunks")},
		{Username: "no-next", Password: "p", Permissions: without("$JS.API.CONSUMER.MSG.NEXT.>")},
		{Username: "no-results", Password: "p", Permissions: without("$KV.SAGACHECK_RESULTS_r1.>")},
		{Username: "no-inbox", Password: "p", Permissions: &server.Permissions{Subscribe: &server.SubjectPermission{Deny: []string{"_INBOX.>"}}}},
	}
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir(), Users: users})
	as := func(user string) *Conn { return connectTo(t, strings.Replace(s.ClientURL(), "//", "//"+user+":p@", 1)) }
	j := open(t, as("all"), 1)
	refused, err := as("no-chunks").Open(t.Context(), Run{Name: "r3", Settings: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = refused.Close() })
	run := func(user, name string) error {
		_, err := as(user).Open(t.Context(), Run{Name: name, Settings: []byte("{}")})
		return err
	}
	next, results := join(t, as("no-next"), "a"), join(t, as("no-results"), "b")
	var all sync.WaitGroup
	defer all.Wait()
	for subject, ask := range map[string]func() error{
		"STREAM.CREATE.SAGACHECK_r2": func() error { return run("no-streams", "r2") },
		"sagacheck.r3.chunks":        func() error { return refused.Put(t.Context(), Chunk{Number: 1}) },
		"MSG.NEXT.SAGACHECK_r1":      func() error { _, err := next.Take(t.Context()); return err },
		"SAGACHECK_RESULTS_r1.c-0":   func() error { return results.Give(t.Context(), "c-0", nil) },
		"_INBOX":                     func() error { _, err := as("no-inbox").Find(t.Context(), j.run.Name); return err },
	} {
		all.Go(func() { endsWith[*ForbiddenError](t, subject, subject, ask) })
	}
}

// The rights that the page about many machines names are enough.
func TestTheRightsOfThePage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "many-machines.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n    authorization:")
	block, _, ended := strings.Cut(rest, "\n    ]}\n")
	if !ok || !ended {
		t.Fatal("the page has no rights")
	}
	t.Setenv("RUN_PASSWORD", "r")
	t.Setenv("WORKER_PASSWORD", "w")
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte("authorization:"+block+"]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o.Port, o.StoreDir = server.RANDOM_PORT, t.TempDir()
	s := ofOthers(t, o)
	run, worker := connectTo(t, strings.Replace(s.ClientURL(), "//", "//run:r@", 1)), connectTo(t, strings.Replace(s.ClientURL(), "//", "//worker:w@", 1))
	j := open(t, run, 2)
	w := join(t, worker, "a")
	var beat sync.WaitGroup
	defer beat.Wait()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	beat.Go(func() { w.Beat(ctx) })
	got := take(t, w)
	long := bytes.Repeat([]byte("long "), mostInMessage)
	for cell, body := range map[string][]byte{"c-0": []byte("short"), "c-1": long} {
		if err := w.Give(ctx, cell, body); err != nil {
			t.Fatal(err)
		}
	}
	if known, err := w.Known(ctx, "c-0"); err != nil || !known {
		t.Errorf("known: %t, %v", known, err)
	}
	if all := collect(t, j, 2); len(all) != 2 {
		t.Errorf("%d results", len(all))
	}
	pause(ctx, time.Second) // for the beat
	got.Done()
	for d, err := j.Depth(ctx); d.Running+d.Waiting > 0 || d.Alive != 1; d, err = j.Depth(ctx) {
		if err != nil || !pause(ctx, 50*time.Millisecond) {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	for name, c := range map[string]*Conn{"run": run, "worker": worker} {
		if err := c.hopeless(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever runs a run says when it is over. If nobody has said so, it is gone, which is something else.
func TestARunThatNobodyEnds(t *testing.T) {
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	killed, err := connectTo(t, s.ClientURL()).Open(t.Context(), Run{Name: "killed", Settings: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	ended, err := connectTo(t, s.ClientURL()).Open(t.Context(), Run{Name: "ended", Settings: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	c := connectTo(t, s.ClientURL())
	w, err := c.Join(t.Context(), killed.run, "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := ended.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Find(t.Context(), "ended"); !errors.Is(err, ErrOver) {
		t.Errorf("one that has ended: %v", err)
	}
	if run, err := c.Find(t.Context(), ""); err != nil || run.Name != "killed" {
		t.Errorf("found %q, %v: expected the one that goes on", run.Name, err)
	}
	killed.cancel() // says nothing any more
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		endsWith[*GoneError](t, "take", "nobody runs killed", func() error { _, err := w.Take(t.Context()); return err })
	})
	all.Go(func() {
		endsWith[*GoneError](t, "find", "nobody runs misspelt", func() error { _, err := c.Find(t.Context(), "misspelt"); return err })
	})
}

// A worker is heard as long as it lives, whether or not it has something in hand.
func TestWorkersAreHeard(t *testing.T) {
	_, connect := serve(t)
	j := open(t, connect(nil), 1)
	w := join(t, connect(nil), "a")
	ctx, die := context.WithCancel(t.Context())
	var beat sync.WaitGroup
	defer beat.Wait()
	defer die()
	beat.Go(func() { w.Beat(ctx) })
	take(t, w)
	until := func(alive int) {
		t.Helper()
		for d, err := j.Depth(t.Context()); d.Alive != alive; d, err = j.Depth(t.Context()) {
			if err != nil || !pause(t.Context(), 20*time.Millisecond) {
				t.Fatalf("%+v, %v: expected %d workers", d, err, alive)
			}
		}
	}
	until(1)
	die()
	until(0)
	if d, err := j.Depth(t.Context()); err != nil || d.Running != 1 {
		t.Errorf("%+v, %v: expected its chunk to be counted as taken", d, err)
	}
}

// What a killed run has left goes with the next one, a while after, and nothing else does.
func TestWhatKilledRunsLeaveIsRemoved(t *testing.T) {
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	var said []string
	connect := func(keep time.Duration) *Conn {
		c, err := Connect(t.Context(), Options{URL: s.ClientURL(), GoneAfter: time.Second, Keep: keep, Say: func(line string) { said = append(said, line) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	start := func(c *Conn, name string) *Job {
		j, err := c.Open(t.Context(), Run{Name: name, Settings: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(j.cancel)
		return j
	}
	c := connect(2 * time.Second)
	start(c, "killed").cancel()
	start(c, "alive")
	if _, err := c.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "SAGACHECK_AUDIT", Subjects: []string{"audit"}, Description: "of the user's own"}); err != nil {
		t.Fatal(err)
	}
	if !pause(t.Context(), 2500*time.Millisecond) {
		t.Fatal("no time")
	}
	start(connect(time.Hour), "next")
	if got := streams(t, c); len(got) != 11 || len(said) > 0 {
		t.Errorf("%q, %q: expected three of each run, the bucket of runs, and the user's own", got, said)
	}
	start(connect(2*time.Second), "another")
	got := strings.Join(streams(t, c), " ")
	if strings.Contains(got, "killed") || !strings.Contains(got, "SAGACHECK_AUDIT") || strings.Count(got, "alive") != 3 || strings.Count(got, "next") != 3 || len(said) != 1 {
		t.Errorf("%s, said %q: expected killed to be removed", got, said)
	}
}

func streams(t *testing.T, c *Conn) (all []string) {
	t.Helper()
	for name := range c.js.StreamNames(t.Context()).Name() {
		all = append(all, name)
	}
	return all
}

// A server that is not there yet is waited for by whoever has patience, and one that does not let
// them in is not.
func TestAServerIsWaitedFor(t *testing.T) {
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir(), Username: "u", Password: "p"})
	url, port := s.ClientURL(), s.Addr().(*net.TCPAddr).Port
	patient := Options{URL: strings.Replace(url, "//", "//u:p@", 1), Patience: time.Minute}
	stranger := patient
	stranger.URL = strings.Replace(url, "//", "//u:x@", 1)
	if _, err := Connect(t.Context(), stranger); err == nil {
		t.Error("a stranger was let in")
	}
	s.Shutdown()
	s.WaitForShutdown()
	if _, err := Connect(t.Context(), Options{URL: patient.URL}); err == nil {
		t.Error("nobody is there, and it connected")
	}
	said := make(chan string, 9)
	patient.Say = func(line string) { said <- line }
	var back sync.WaitGroup
	defer back.Wait()
	back.Go(func() {
		if line := <-said; !strings.Contains(line, "is not there") || !strings.Contains(line, "waiting for it") {
			t.Errorf("said %q", line)
		}
		ofOthers(t, &server.Options{Port: port, StoreDir: t.TempDir(), Username: "u", Password: "p"})
	})
	c, err := Connect(t.Context(), patient)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// A server that is gone is waited for as long as the patience lasts, also where each try to reach it takes
// seconds, as it does where packets are dropped.
func TestPatienceIsCountedInTime(t *testing.T) {
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	addr := s.Addr().String()
	c, err := Connect(t.Context(), Options{URL: s.ClientURL(), Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s.Shutdown()
	s.WaitForShutdown()
	silent, err := net.Listen("tcp", addr) // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for end := time.Now().Add(15 * time.Second); c.hopeless() == nil; {
		if time.Now().After(end) || !pause(t.Context(), 20*time.Millisecond) {
			t.Fatal("it is waited for still")
		}
	}
}
