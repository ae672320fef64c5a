package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Options say where the server is, and how long it waits for workers.
type Options struct {
	URL   string // of the server: nats://[token@]host:port
	Creds string // a file with credentials; empty: none
	NKey  string // a file with the seed of an nkey; empty: none
	// Version and Catalogue are those of this program: whoever has others takes part in nothing.
	Version, Catalogue string
	// AckWait is how long a worker may be silent before its chunks are given to another, and
	// MaxDeliver how often one is given away. 0: DefaultAckWait, DefaultMaxDeliver.
	AckWait    time.Duration
	MaxDeliver int
	Patience   time.Duration     // how long a server that is gone is waited for; 0: for ever
	Say        func(line string) // told when the server goes away and when it is back; nil: nobody
}

// What is right for cells of seconds.
const (
	DefaultAckWait    = 10 * time.Second
	DefaultMaxDeliver = 4
)

// Conn is a connection to the server. It comes back by itself when the server does.
type Conn struct {
	o    Options
	nats *nats.Conn
	js   jetstream.JetStream
}

// askLimit is how long one question to the server may take.
const askLimit = 5 * time.Second

// reconnectWait is how long a client waits before it tries again to reach the server.
const reconnectWait = 200 * time.Millisecond

// Connect connects to the server, which must be there.
func Connect(o Options) (*Conn, error) {
	if o.AckWait <= 0 {
		o.AckWait = DefaultAckWait
	}
	if o.MaxDeliver <= 0 {
		o.MaxDeliver = DefaultMaxDeliver
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	at := Bare(o.URL)
	options := []nats.Option{
		nats.Name("sagacheck"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.Timeout(askLimit),
		nats.PingInterval(10 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // not closed by us
				o.Say(fmt.Sprintf("the NATS server %s is gone (%v): waiting for it", at, err))
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { o.Say(fmt.Sprintf("the NATS server %s is back", at)) }),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // what matters is told to who asked
	}
	if o.Creds != "" {
		options = append(options, nats.UserCredentials(o.Creds))
	}
	if o.NKey != "" {
		key, err := nats.NkeyOptionFromSeed(o.NKey)
		if err != nil {
			return nil, fmt.Errorf("nkey %q: expected a file with the seed of a user: %w", o.NKey, err)
		}
		options = append(options, key)
	}
	if o.Patience > 0 {
		options = append(options, nats.MaxReconnects(int(o.Patience/reconnectWait)))
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("NATS server %s: %w", at, err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(askLimit))
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &Conn{o: o, nats: nc, js: js}, nil
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

// Close ends the connection.
func (c *Conn) Close() { c.nats.Close() }

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

// persist asks the server until it answers: a server that is gone comes back.
func persist(ctx context.Context, ask func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, askLimit)
		err := ask(once)
		cancel()
		if err == nil || ctx.Err() != nil || !passing(err) {
			return err
		}
		if !pause(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// passing tells whether an error says that the server is not there now.
func passing(err error) bool {
	for _, e := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, nats.ErrStaleConnection, jetstream.ErrNoStreamResponse,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var api *jetstream.APIError
	return errors.As(err, &api) && api.Code == 503 // it is back, and not yet ready
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
