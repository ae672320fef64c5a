package queue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockFile is in the folder of a store, and locked as long as who made it lives.
const lockFile = "lock"

// Store is a folder of what belongs to a run, and goes with it.
type Store struct {
	dir  string
	lock *flock.Flock
}

// NewStore makes one of a folder that is empty or not there yet. Nobody else may read it.
func NewStore(dir string) (*Store, error) {
	s := &Store{dir: dir}
	fresh := s.dir + ".new" // nobody sees it as a store before it is locked
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		return nil, err
	}
	s.lock = flock.New(filepath.Join(fresh, lockFile))
	if _, err := s.lock.TryLock(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(fresh))
	}
	if err := os.Rename(fresh, s.dir); err != nil {
		return nil, errors.Join(err, s.lock.Unlock(), os.RemoveAll(fresh))
	}
	return s, nil
}

// Drop removes the folder.
func (s *Store) Drop() error {
	return errors.Join(os.RemoveAll(s.dir), s.lock.Unlock())
}

// DropStores removes those of some folders of stores whose processes are no more.
func DropStores(dirs []string) error {
	for _, dir := range dirs {
		if err := dropStore(dir); err != nil {
			return fmt.Errorf("what a killed run has left: %w", err)
		}
	}
	return nil
}

func dropStore(dir string) error {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); err != nil { // it is none, or another user's
		return nil
	}
	lock := flock.New(path)
	mine, err := lock.TryLock()
	if errors.Is(err, os.ErrNotExist) { // it was removed just now
		return nil
	}
	if err == nil && mine {
		err = (&Store{dir, lock}).Drop()
	}
	return err
}
