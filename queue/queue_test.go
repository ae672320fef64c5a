package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server, and gives what connects to it.
func serve(t *testing.T) (*Server, func(change func(*Options)) *Conn) {
	t.Helper()
	s, err := Serve("127.0.0.1:0", filepath.Join(t.TempDir(), "queue"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(t, s) })
	return s, func(change func(*Options)) *Conn {
		t.Helper()
		o := Options{URL: s.URL(), Version: "v1", Catalogue: "c1", AckWait: time.Second, MaxDeliver: 2}
		if change != nil {
			change(&o)
		}
		c, err := Connect(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
}

func closeServer(t testing.TB, s *Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// open opens a run with one chunk of so many cells.
func open(t *testing.T, c *Conn, cells int) *Job {
	t.Helper()
	j, err := c.Open(t.Context(), Run{Name: "r1", Command: "a test", Settings: json.RawMessage(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	chunk := Chunk{Number: 1}
	for n := range cells {
		chunk.Cells = append(chunk.Cells, Cell{ID: fmt.Sprintf("c-%d", n), Work: json.RawMessage(`{}`)})
	}
	if err := j.Put(t.Context(), chunk); err != nil {
		t.Fatal(err)
	}
	if err := j.Put(t.Context(), chunk); err != nil { // counts once
		t.Fatal(err)
	}
	return j
}

func join(t *testing.T, c *Conn, name string) *Crew {
	t.Helper()
	run, err := c.Find(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Join(t.Context(), run, name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// collect takes results until there are so many, or a second has brought none.
func collect(t *testing.T, j *Job, n int) []Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all []Result
	j.Take(ctx, func(r Result) {
		if all = append(all, r); len(all) == n {
			cancel()
		}
	})
	return all
}

func take(t *testing.T, w *Crew) *Taken {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := w.Take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Two workers that tell of the same cell are one result, and the first counts; a body that no
// message takes comes whole.
func TestACellCountsOnce(t *testing.T) {
	_, connect := serve(t)
	j := open(t, connect(nil), 2)
	a, b := join(t, connect(nil), "a"), join(t, connect(nil), "b")
	long := bytes.Repeat([]byte("long "), mostInMessage)
	got := take(t, a)
	for _, give := range []struct {
		crew *Crew
		cell string
		body []byte
	}{{a, "c-0", []byte("first")}, {b, "c-0", []byte("second")}, {b, "c-1", long}} {
		if err := give.crew.Give(t.Context(), give.cell, give.body); err != nil {
			t.Fatal(err)
		}
	}
	got.Done()
	all := collect(t, j, 2)
	if len(all) != 2 || all[0].Worker != "a" || string(all[0].Body) != "first" || all[1].Worker != "b" || !bytes.Equal(all[1].Body, long) {
		t.Errorf("got %d results: %.40q", len(all), fmt.Sprint(all))
	}
	for cell, want := range map[string]bool{"c-0": true, "c-2": false} {
		if known, err := b.Known(t.Context(), cell); err != nil || known != want {
			t.Errorf("%s is known: %t, %v", cell, known, err)
		}
	}
	if d, err := j.Depth(t.Context()); err != nil || d.Waiting+d.Running != 0 {
		t.Errorf("%+v, %v: expected nothing that waits", d, err)
	}
}

// A chunk whose worker is silent is given to another; when that was silent too, to nobody.
func TestASilentWorkerLosesItsChunk(t *testing.T) {
	_, connect := serve(t)
	j := open(t, connect(nil), 1)
	a, b := join(t, connect(nil), "a"), join(t, connect(nil), "b")
	if first := take(t, a); first.Times != 1 {
		t.Errorf("taken for the %d. time", first.Times)
	}
	if second := take(t, b); second.Times != 2 {
		t.Errorf("taken again for the %d. time", second.Times)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if third, err := a.Take(ctx); err == nil {
		t.Errorf("%+v was given away a third time", third.Chunk)
	}
	if d, err := j.Depth(t.Context()); err != nil || d.Waiting+d.Running != 0 {
		t.Errorf("%+v, %v: expected nobody to have it", d, err)
	}
}

// As long as a worker says that it works, its chunk stays with it; and one that was kept
// from saying so knows that it has lost it.
func TestAWorkerSaysThatItWorks(t *testing.T) {
	_, connect := serve(t)
	open(t, connect(nil), 1)
	a, b := join(t, connect(nil), "a"), join(t, connect(nil), "b")
	mine := take(t, a)
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	work.Go(func() { a.Beat(ctx) })
	short, end := context.WithTimeout(t.Context(), 3*time.Second)
	defer end()
	if other, err := b.Take(short); err == nil {
		t.Errorf("chunk %d was given to another", other.Number)
	}
	if mine.Lost() {
		t.Error("it is taken for lost")
	}
	cancel()
	work.Wait()
	a.ackWait = 0 // as if it had been silent for longer than that
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	work.Go(func() { a.Beat(ctx) })
	for !mine.Lost() && pause(t.Context(), 10*time.Millisecond) {
	}
}

// Who is of another version takes part in nothing, and says why.
func TestAnotherVersionIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"version":   func(o *Options) { o.Version = "v2" },
		"catalogue": func(o *Options) { o.Catalogue = "c2" },
	} {
		t.Run(name, func(t *testing.T) {
			_, connect := serve(t)
			j := open(t, connect(nil), 1)
			other := connect(change)
			var refused *OtherVersionError
			if _, err := other.Find(t.Context(), ""); !errors.As(err, &refused) || !strings.Contains(err.Error(), "give all machines the same program") {
				t.Errorf("it found the run: %v", err)
			}
			w, err := other.Join(t.Context(), j.run, "other") // it does so all the same
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Take(t.Context()); !errors.As(err, &refused) {
				t.Errorf("it took a chunk: %v", err)
			}
			if err := w.Give(t.Context(), "c-0", []byte("nonsense")); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			j.Take(ctx, func(r Result) { t.Errorf("%+v was taken", r) })
		})
	}
}

// When a run is over, its workers know, and nothing of it is left on the server.
func TestTheEndOfARun(t *testing.T) {
	_, connect := serve(t)
	c := connect(nil)
	j := open(t, c, 1)
	w := join(t, connect(nil), "a")
	take(t, w)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Take(t.Context()); !errors.Is(err, ErrOver) {
		t.Errorf("got %v: expected the end of the run", err)
	}
	for name := range c.js.StreamNames(t.Context()).Name() {
		if name != "KV_"+runsBucket {
			t.Errorf("%s is left", name)
		}
	}
}

// Mistakes in addresses are named, and nobody comes in without the token.
func TestBadAddresses(t *testing.T) {
	for _, addr := range []string{"127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000"} {
		if s, err := Serve(addr, filepath.Join(t.TempDir(), "queue")); err == nil {
			closeServer(t, s)
			t.Errorf("%q was taken", addr)
		} else if !strings.Contains(err.Error(), fmt.Sprintf("%q", addr)) {
			t.Errorf("%q: %v", addr, err)
		}
	}
	s, _ := serve(t)
	if _, err := Connect(t.Context(), Options{URL: Bare(s.URL())}); err == nil {
		t.Error("somebody without the token came in")
	}
	if _, err := Connect(t.Context(), Options{URL: s.URL(), NKey: "nosuch.nk"}); err == nil || !strings.Contains(err.Error(), "nosuch.nk") {
		t.Errorf("a missing nkey: %v", err)
	}
	if shown := Bare(s.URL()); strings.Contains(shown, s.token) || !strings.HasPrefix(shown, "nats://127.0.0.1:") {
		t.Errorf("shown as %q", shown)
	}
}

// Nothing of what servers are entered with is shown, however NATS lets it be written.
func TestBare(t *testing.T) {
	for address, want := range map[string]string{
		"nats://secret@h:4222": "nats://h:4222", "secret@h:4222": "h:4222", "me:secret@h": "h", "tls://me:sec%ret@h": "tls://h",
		"nats://me:secret@a:1,secret@b:2": "nats://a:1,b:2", "nats://me:se@cret@h": "nats://h", "h:4222": "h:4222",
	} {
		if got := Bare(address); got != want {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
}

// A server that listens everywhere is told of by an address that others can reach.
func TestHostsOfAServer(t *testing.T) {
	s, err := Serve("0.0.0.0:0", filepath.Join(t.TempDir(), "queue"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(t, s) })
	for _, host := range append(s.Hosts(), "127.0.0.1") {
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			t.Errorf("%s is an address of nobody", host)
		}
	}
	if c, err := Connect(t.Context(), Options{URL: s.URL()}); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	local, _ := serve(t)
	if hosts := local.Hosts(); !slices.Equal(hosts, []string{"127.0.0.1"}) || local.URLAt(hosts[0]) != local.URL() {
		t.Errorf("one that listens at one address: %v", hosts)
	}
	var all []net.Addr
	for _, a := range []string{"127.0.0.1/8", "::1/128", "fe80::1/64", "2001:db8::7/64", "10.0.0.7/8"} {
		ip, n, err := net.ParseCIDR(a)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &net.IPNet{IP: ip, Mask: n.Mask})
	}
	if got := reachable(all); !slices.Equal(got, []string{"10.0.0.7", "2001:db8::7"}) {
		t.Errorf("reachable: %v", got)
	}
}

// A server of others lets in who has the seed of an nkey that it knows, and nobody else.
func TestAnNKeyLetsIn(t *testing.T) {
	known, stranger := newNKey(t), newNKey(t)
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir(), Nkeys: []*server.NkeyUser{{Nkey: known.public}}})
	o := Options{URL: s.ClientURL(), Version: "v1", Catalogue: "c1", NKey: known.seed}
	c, err := Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	open(t, c, 1)
	for name, file := range map[string]string{"another nkey": stranger.seed, "none": ""} {
		o.NKey = file
		if c, err := Connect(t.Context(), o); err == nil {
			c.Close()
			t.Errorf("%s was let in", name)
		}
	}
}

// nkey is the key of a user, and the file of its seed.
type nkey struct{ public, seed string }

func newNKey(t *testing.T) (k nkey) {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	if k.public, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	k.seed = filepath.Join(t.TempDir(), "user.nk")
	if err := os.WriteFile(k.seed, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}
