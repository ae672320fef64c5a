package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Options say where the server is, and how long it waits for workers.
type Options struct {
	URL   string // of the server: nats://[token@]host:port
	Creds string // a file with credentials; empty: none
	NKey  string // a file with the seed of an nkey; empty: none
	CA    string // a file with the certificates of who signs those of servers; empty: whom the system trusts
	// Version and Catalogue are those of this program: whoever has others takes part in nothing.
	Version, Catalogue string
	// AckWait is how long a worker may be silent before its chunks are given to another, and
	// MaxDeliver how often one is given away. 0: DefaultAckWait, DefaultMaxDeliver.
	AckWait    time.Duration
	MaxDeliver int
	// GoneAfter is how long a run is known after whoever runs it was heard last, and Keep how long the rest
	// stays if they never clean up. 0: DefaultGoneAfter, DefaultKeep.
	GoneAfter, Keep time.Duration
	// Patience is how long a server that is gone, or not there yet, is waited for. 0: one that is gone for
	// ever, and one that is not there yet not at all.
	Patience time.Duration
	// MuteFor is how long a server that is reached may leave undone what it is asked. 0: DefaultMuteFor.
	MuteFor time.Duration
	Say     func(line string) // told when the server goes away and when it is back; nil: nobody
}

// What is right for cells of seconds.
const (
	DefaultAckWait    = 10 * time.Second
	DefaultMaxDeliver = 4
	DefaultGoneAfter  = time.Minute
	DefaultKeep       = 24 * time.Hour
	DefaultMuteFor    = 2 * time.Minute
)

// Conn is a connection to the server. It comes back by itself when the server does.
type Conn struct {
	o    Options
	nats *nats.Conn
	js   jetstream.JetStream

	forbidden atomic.Pointer[ForbiddenError] // nil: the server has forbidden nothing
	full      atomic.Pointer[FullError]      // nil: the server has room
	givingUp  atomic.Pointer[time.Timer]     // nil: the server is not gone, or is waited for for ever
	saidMute  atomic.Int64                   // when it was said last that the server does not do what it is asked
}

// MaxDeliver is how often a chunk is given away.
func (c *Conn) MaxDeliver() int { return c.o.MaxDeliver }

// askLimit is how long one question to the server may take.
const askLimit = 5 * time.Second

// reconnectWait is how long a client waits before it tries again to reach the server.
const reconnectWait = 200 * time.Millisecond

// Connect connects to the server.
func Connect(ctx context.Context, o Options) (*Conn, error) {
	o.AckWait, o.MaxDeliver = cmp.Or(o.AckWait, DefaultAckWait), cmp.Or(o.MaxDeliver, DefaultMaxDeliver)
	o.GoneAfter, o.Keep = cmp.Or(o.GoneAfter, DefaultGoneAfter), cmp.Or(o.Keep, DefaultKeep)
	o.MuteFor = cmp.Or(o.MuteFor, DefaultMuteFor)
	if o.Say == nil {
		o.Say = func(string) {}
	}
	c := &Conn{o: o}
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	if c.nats, err = c.dial(ctx, options); err != nil {
		return nil, o.explain(err)
	}
	if c.js, err = jetstream.New(c.nats, jetstream.WithDefaultTimeout(askLimit)); err != nil {
		c.nats.Close()
		return nil, err
	}
	return c, nil
}

// dial waits for a server that is not there yet as long as the patience lasts.
func (c *Conn) dial(ctx context.Context, options []nats.Option) (*nats.Conn, error) {
	for begin := time.Now(); ; {
		nc, err := nats.Connect(c.o.URL, options...)
		if err == nil || !notThereYet(err) || time.Since(begin) >= c.o.Patience {
			return nc, err
		}
		if time.Since(begin) < reconnectWait {
			c.o.Say(fmt.Sprintf("the NATS server %s is not there (%v): waiting for it, %v at most", Bare(c.o.URL), err, c.o.Patience))
		}
		if !pause(ctx, reconnectWait) {
			return nil, ctx.Err()
		}
	}
}

// notThereYet tells a server that may yet come from one that does not let this user in.
func notThereYet(err error) bool {
	var op *net.OpError
	return errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, io.EOF) || errors.As(err, &op)
}

func (c *Conn) options() ([]nats.Option, error) {
	o, at := c.o, Bare(c.o.URL)
	options := []nats.Option{
		nats.Name("sagacheck"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.Timeout(askLimit),
		nats.PingInterval(10 * time.Second),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if err != nil { // not closed by us
				o.Say(fmt.Sprintf("the NATS server %s is gone (%v): waiting for it", at, err))
				c.bePatient(nc)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			c.stopWaiting()
			o.Say(fmt.Sprintf("the NATS server %s is back", at))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { // the others are told to who asked
			if errors.Is(err, nats.ErrPermissionViolation) {
				c.forbidden.CompareAndSwap(nil, &ForbiddenError{at, err})
			}
		}),
	}
	known, err := o.login()
	return append(options, known...), err
}

// bePatient gives a server up that is gone for longer than the patience lasts: tries to reach it take as long as
// the network lets them, so they are not what is counted.
func (c *Conn) bePatient(nc *nats.Conn) {
	if c.o.Patience == 0 {
		return
	}
	end := time.AfterFunc(c.o.Patience, func() {
		if !nc.IsConnected() {
			nc.Close()
		}
	})
	if before := c.givingUp.Swap(end); before != nil {
		before.Stop()
	}
}

// stopWaiting keeps the server.
func (c *Conn) stopWaiting() {
	if end := c.givingUp.Swap(nil); end != nil {
		end.Stop()
	}
}

// Bare is the addresses of servers, as NATS takes them, without tokens and passwords, to be shown.
func Bare(addresses string) string {
	var all []string
	for a := range strings.SplitSeq(addresses, ",") {
		scheme, host, ok := strings.Cut(a, "://")
		if !ok {
			scheme, host = "", a
		}
		host = host[strings.LastIndex(host, "@")+1:]
		if ok {
			host = scheme + "://" + host
		}
		all = append(all, host)
	}
	return strings.Join(all, ",")
}

// Away tells whether the server is not reached now.
func (c *Conn) Away() bool { return !c.nats.IsConnected() }

// Close ends the connection.
func (c *Conn) Close() {
	c.nats.Close()
	c.stopWaiting()
}

// The headers of every message.
const (
	versionHeader   = "Sagacheck-Version"
	catalogueHeader = "Sagacheck-Catalogue"
	workerHeader    = "Sagacheck-Worker" // of results
	objectHeader    = "Sagacheck-Object" // of results whose body is kept apart
)

func (c *Conn) message(subject string, body []byte) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = body
	m.Header.Set(versionHeader, c.o.Version)
	m.Header.Set(catalogueHeader, c.o.Catalogue)
	return m
}

// OtherVersionError says that a run is of another version of the program.
type OtherVersionError struct{ What, Version, Catalogue, OwnVersion, OwnCatalogue string }

func (e *OtherVersionError) Error() string {
	return fmt.Sprintf("%s is of sagacheck %s (catalogue %s), and this is %s (catalogue %s): give all machines the same program",
		e.What, e.Version, e.Catalogue, e.OwnVersion, e.OwnCatalogue)
}

// same is nil for a version and catalogue that are this program's.
func (c *Conn) same(what, version, catalogue string) error {
	if version == c.o.Version && catalogue == c.o.Catalogue {
		return nil
	}
	return &OtherVersionError{what, version, catalogue, c.o.Version, c.o.Catalogue}
}

func (c *Conn) sameHeader(what string, h nats.Header) error {
	return c.same(what, h.Get(versionHeader), h.Get(catalogueHeader))
}

// pause waits, and tells whether nothing ended it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
