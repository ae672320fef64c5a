package queue

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// slowLink lets so many bytes a second through to a server; it gives the address.
func slowLink(t *testing.T, to string, rate int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	carry := func(dst, src net.Conn) {
		defer func() { _ = dst.Close() }()
		for {
			begin := time.Now()
			n, err := io.CopyN(dst, src, int64(rate)/50)
			if err != nil {
				return
			}
			pause(t.Context(), time.Duration(n)*time.Second/time.Duration(rate)-time.Since(begin))
		}
	}
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			_ = a.(*net.TCPConn).SetReadBuffer(64 << 10)
			b, err := net.Dial("tcp", to)
			if err != nil {
				_ = a.Close()
				return
			}
			go carry(b, a)
			go func() {
				defer func() { _ = a.Close() }()
				_, _ = io.Copy(a, b)
			}()
		}
	}()
	return l.Addr().String()
}

// What takes longer than a question may take comes over a slow link all the same.
func TestASlowLink(t *testing.T) {
	s := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	j := open(t, connectTo(t, s.ClientURL()), 1)
	w := join(t, connectTo(t, "nats://"+slowLink(t, s.Addr().String(), 128<<10)), "a")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	long := []byte(strings.Repeat("long ", 220<<10))
	if err := w.Give(ctx, "c-0", long); err != nil {
		t.Fatal(err)
	}
	if all := collect(t, j, 1); len(all) != 1 || !bytes.Equal(all[0].Body, long) {
		t.Errorf("got %d results", len(all))
	}
}

// A result that could not be handed over comes again; one that can't be read any more says so.
func TestWhatIsNotHandedOverComesAgain(t *testing.T) {
	_, connect := serve(t)
	j := open(t, connect(nil), 1)
	w := join(t, connect(nil), "a")
	long := bytes.Repeat([]byte("long "), mostInMessage)
	for _, cell := range []string{"c-0", "c-1"} {
		if err := w.Give(t.Context(), cell, long); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.objects.Delete(t.Context(), "c-1.a"); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	whole := j.objects
	j.objects = &cutStore{whole, end}
	j.Take(ctx, func(r Result) { t.Errorf("%s was handed over", r.Cell) })
	j.objects = whole
	all := collect(t, j, 2)
	if len(all) != 2 {
		t.Fatalf("%d results", len(all))
	}
	for _, r := range all {
		if there := r.Cell == "c-0"; (r.Err == nil) != there || bytes.Equal(r.Body, long) != there {
			t.Errorf("%s: %d bytes, %v", r.Cell, len(r.Body), r.Err)
		}
	}
}

// cutStore ends whoever asks it.
type cutStore struct {
	jetstream.ObjectStore
	end context.CancelFunc
}

func (s *cutStore) GetInfo(ctx context.Context, _ string, _ ...jetstream.GetObjectInfoOpt) (*jetstream.ObjectInfo, error) {
	s.end()
	return nil, ctx.Err()
}

func (s *cutStore) GetBytes(ctx context.Context, _ string, _ ...jetstream.GetObjectOpt) ([]byte, error) {
	s.end()
	return nil, ctx.Err()
}
