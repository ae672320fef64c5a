package store

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// watchPause is how often the file is looked at while nothing is written.
const watchPause = 500 * time.Millisecond

// watch notices when the file is taken away.
func (s *sqliteStore) watch() {
	for tick := time.NewTicker(watchPause); ; {
		select {
		case <-tick.C:
			s.look()
		case <-s.stop:
			tick.Stop()
			return
		}
	}
}

// filesOf are the files of a store that is open: besides the one that is named, the one
// with what was written last, as long as the store is open.
func filesOf(file string) (map[string]os.FileInfo, error) {
	files := map[string]os.FileInfo{}
	for _, name := range []string{file, file + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		files[name] = info
	}
	return files, nil
}

// look closes gone if the files that were opened are no longer those of their names.
func (s *sqliteStore) look() {
	for name, was := range s.as {
		now, err := os.Stat(name)
		if err == nil && !os.SameFile(now, was) || errors.Is(err, os.ErrNotExist) {
			s.once.Do(func() { close(s.gone) })
		}
	}
}

// Owned is what was seen when the files were looked at last: at each commit, and every
// watchPause.
func (s *sqliteStore) Owned() error {
	select {
	case <-s.gone:
		return fmt.Errorf("store %q: %w", s.file, ErrReplaced)
	default:
		return nil // it could not be looked at
	}
}

func (s *sqliteStore) Lost() <-chan struct{} { return s.gone }
