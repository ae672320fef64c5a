package orchestrators

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/gofrs/flock"
)

// Ports of engines lie below the range from which Linux takes the ports of
// outgoing connections: otherwise one of those could sit on an engine's port
// between its crash and its restart.
const (
	firstPort = 18000
	lastPort  = 31999
)

// portPool keeps two systems from drawing the same port before their engines
// listen on it, or while one of them is killed: two of this process, and of others
// on this machine too, by locks on files that end with their process.
type portPool struct {
	mu    sync.Mutex
	locks map[int]*flock.Flock
}

var ports = portPool{locks: map[int]*flock.Flock{}}

func (p *portPool) draw() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs error
	for range 50 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		lock, err := lockPort(port)
		if err == nil {
			err = unused(port)
		}
		if err == nil {
			p.locks[port] = lock
			return port, nil
		}
		errs = errors.Join(errs, err)
		if lock != nil {
			errs = errors.Join(errs, lock.Close())
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d: %w", firstPort, lastPort, errs)
}

// unused is an error if somebody listens on a port.
func unused(port int) error {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	return l.Close()
}

// lockPort takes the lock of a port. The files are empty and stay.
func lockPort(port int) (*flock.Flock, error) {
	dir := filepath.Join(os.TempDir(), ".sagacheck-ports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	_ = os.Chmod(dir, 0o777|os.ModeSticky) // for all users; only its owner may, and has
	lock := flock.New(filepath.Join(dir, strconv.Itoa(port)), flock.SetPermissions(0o666))
	free, err := lock.TryLock()
	if err == nil && !free {
		err = fmt.Errorf("port %d is another's", port)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

func (p *portPool) release(drawn []int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs error
	for _, port := range drawn {
		if f := p.locks[port]; f != nil {
			errs = errors.Join(errs, f.Close())
		}
		delete(p.locks, port)
	}
	return errs
}
