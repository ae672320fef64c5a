package campaign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// storeDir is the folder, in that of a run, of what the NATS server inside this process keeps, and
// storeLock a file in it that is locked as long as the process lives.
const (
	storeDir  = "queue"
	storeLock = "lock"
)

// store is that folder.
type store struct {
	dir  string
	lock *flock.Flock
}

// newStore makes the folder of a run.
func newStore(run string) (*store, error) {
	s := &store{dir: filepath.Join(run, storeDir)}
	fresh := s.dir + ".new" // nobody sees it as a store before it is locked
	if err := os.MkdirAll(fresh, 0o755); err != nil {
		return nil, err
	}
	s.lock = flock.New(filepath.Join(fresh, storeLock))
	if _, err := s.lock.TryLock(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(fresh))
	}
	if err := os.Rename(fresh, s.dir); err != nil {
		return nil, errors.Join(err, s.lock.Unlock(), os.RemoveAll(fresh))
	}
	return s, nil
}

// drop removes the folder.
func (s *store) drop() error {
	return errors.Join(os.RemoveAll(s.dir), s.lock.Unlock())
}

// dropStores removes the stores of the runs in a folder whose processes are no more.
func dropStores(out string) error {
	locks, err := filepath.Glob(filepath.Join(out, "*", storeDir, storeLock))
	if err != nil {
		return err
	}
	for _, path := range locks {
		lock := flock.New(path)
		mine, err := lock.TryLock()
		if errors.Is(err, os.ErrNotExist) { // it was removed just now
			continue
		}
		if err == nil && mine {
			err = (&store{filepath.Dir(path), lock}).drop()
		}
		if err != nil {
			return fmt.Errorf("what a killed run has left: %w", err)
		}
	}
	return nil
}
