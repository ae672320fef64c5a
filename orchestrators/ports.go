package orchestrators

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports of engines lie below the range from which Linux takes the ports of
// outgoing connections: otherwise one of those could sit on an engine's port
// between its crash and its restart.
const (
	firstPort = 18000
	lastPort  = 31999
)

// portPool keeps two systems of this process from drawing the same port before
// their engines listen on it.
type portPool struct {
	mu    sync.Mutex
	taken map[int]bool
}

var ports = portPool{taken: map[int]bool{}}

func (p *portPool) draw() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs error
	for range 50 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if p.taken[port] {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		if err := l.Close(); err != nil {
			return 0, err
		}
		p.taken[port] = true
		return port, nil
	}
	return 0, fmt.Errorf("no free port between %d and %d: %w", firstPort, lastPort, errs)
}

func (p *portPool) release(drawn []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range drawn {
		delete(p.taken, port)
	}
}
