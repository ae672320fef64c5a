package queue

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server inside this process, for the time of a run. Who comes in has to
// know its token.
type Server struct {
	nats  *server.Server
	store *Store
	token string
}

// readyLimit is how long the server may take to listen.
const readyLimit = 10 * time.Second

// Serve starts a server that keeps what it has in dir, which is not there yet and goes with it. The address is host:port; port
// 0 is a free one.
func Serve(addr, dir string) (*Server, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%q: expected host:port, for example 127.0.0.1:0: %w", addr, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return nil, fmt.Errorf("%q: the port is %q: expected a number up to 65535, 0 for a free one", addr, text)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s := &Server{token: rand.Text()}
	if s.store, err = NewStore(dir); err != nil {
		return nil, fmt.Errorf("NATS server: its store: %w", err)
	}
	s.nats, err = server.NewServer(&server.Options{
		ServerName: "sagacheck", Host: host, Port: port, Authorization: s.token,
		JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("NATS server: %w", err), s.store.Drop())
	}
	s.nats.Start()
	if !s.nats.ReadyForConnections(readyLimit) {
		return nil, errors.Join(fmt.Errorf("NATS server: it did not listen at %s within %v: expected a free port there", addr, readyLimit), s.Close())
	}
	return s, nil
}

// URL is where clients of this machine reach it, with the token.
func (s *Server) URL() string { return s.URLAt(s.host()) }

// URLAt is where clients reach it that know this machine as host, with the token.
func (s *Server) URLAt(host string) string {
	u := url.URL{Scheme: "nats", User: url.User(s.token), Host: net.JoinHostPort(host, strconv.Itoa(s.addr().Port))}
	return u.String()
}

func (s *Server) addr() *net.TCPAddr { return s.nats.Addr().(*net.TCPAddr) }

// host is where this machine reaches it.
func (s *Server) host() string {
	if s.addr().IP.IsUnspecified() {
		return "127.0.0.1"
	}
	return s.addr().IP.String()
}

// Hosts are the addresses at which other machines may reach it, one at least: where it listens, or
// those of this machine, the likeliest first, if it listens at all of them.
func (s *Server) Hosts() []string {
	if !s.addr().IP.IsUnspecified() {
		return []string{s.addr().IP.String()}
	}
	addrs, _ := net.InterfaceAddrs() // there is a name, too
	if all := reachable(addrs); len(all) > 0 {
		return all
	}
	name, err := os.Hostname()
	if err != nil {
		return []string{s.host()}
	}
	return []string{name}
}

// reachable are addresses that others may know a machine by, those of IPv4 first.
func reachable(addrs []net.Addr) []string {
	var four, six []string
	for _, a := range addrs {
		switch n, ok := a.(*net.IPNet); {
		case !ok || !n.IP.IsGlobalUnicast():
		case n.IP.To4() != nil:
			four = append(four, n.IP.String())
		default:
			six = append(six, n.IP.String())
		}
	}
	return append(four, six...)
}

// Leave waits until nobody else is connected, for so long at most: whoever is told that a run is
// over should not take it for trouble.
func (s *Server) Leave(limit time.Duration) {
	for end := time.Now().Add(limit); s.nats.NumClients() > 1 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// Close ends it, waits until it has, and removes what it kept.
func (s *Server) Close() error {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	return s.store.Drop()
}
