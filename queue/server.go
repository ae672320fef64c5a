package queue

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server inside this process, for the time of a run. Who comes in has to
// know its token.
type Server struct {
	nats  *server.Server
	token string
}

// readyLimit is how long the server may take to listen.
const readyLimit = 10 * time.Second

// Serve starts a server that keeps what it has in dir. The address is host:port; port 0 is a
// free one.
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
	s.nats, err = server.NewServer(&server.Options{
		ServerName: "sagacheck", Host: host, Port: port, Authorization: s.token,
		JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, fmt.Errorf("NATS server: %w", err)
	}
	s.nats.Start()
	if !s.nats.ReadyForConnections(readyLimit) {
		s.Close()
		return nil, fmt.Errorf("NATS server: it did not listen at %s within %v: expected a free port there", addr, readyLimit)
	}
	return s, nil
}

// URL is where clients reach it, with the token.
func (s *Server) URL() string {
	u := url.URL{Scheme: "nats", User: url.User(s.token), Host: s.nats.Addr().String()}
	return u.String()
}

// Leave waits until nobody else is connected, for so long at most: whoever is told that a run is
// over should not take it for trouble.
func (s *Server) Leave(limit time.Duration) {
	for end := time.Now().Add(limit); s.nats.NumClients() > 1 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// Close ends it, and waits until it has.
func (s *Server) Close() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}
