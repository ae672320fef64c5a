package results

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sagacheck/sagacheck/history"
)

func (s *Stored) addLoose(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return irregular(file)
	}
	s.loose++
	s.Cells = append(s.Cells, StoredCell{File: file})
	return nil
}

// irregular refuses what is read as a file for ever, as a pipe that nobody writes to.
func irregular(file string) error {
	return fmt.Errorf("%s: is no regular file: expected a history", file)
}

// walk takes the folders of runs by their records, and every other history, each once however many links lead
// to it; seen are the paths that were met, without links.
func (s *Stored) walk(dir string, seen map[string]bool) error {
	if of := filepath.Dir(dir); filepath.Base(dir) == HistoriesDir {
		if run, err := recorded(of); run || err != nil {
			return cmp.Or(err, s.addOnce(of, seen))
		}
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Type()&fs.ModeSymlink != 0:
			return s.follow(path, seen)
		case !d.IsDir() && strings.HasSuffix(path, history.Extension) && !seen[path]:
			seen[path] = true
			return s.addLoose(path)
		case !d.IsDir():
			return nil
		case seen[path]:
			return fs.SkipDir
		}
		switch run, err := recorded(path); {
		case err != nil:
			return err
		case run:
			return cmp.Or(s.addOnce(path, seen), fs.SkipDir)
		}
		seen[path] = true
		return nil
	})
}

// follow goes on behind a link: what it leads to may be a run that is not green.
func (s *Stored) follow(link string, seen map[string]bool) error {
	real, err := filepath.EvalSymlinks(link)
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(filepath.Base(link), LatestLink) {
		return nil // its run was removed
	}
	if err != nil {
		return fmt.Errorf("%s: expected a link to something that is there: %w", link, err)
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return s.walk(real, seen)
	case strings.HasSuffix(link, history.Extension) && !seen[real]:
		seen[real] = true
		return s.addLoose(link)
	}
	return nil
}

// addOnce takes a run that was not met yet.
func (s *Stored) addOnce(dir string, seen map[string]bool) error {
	if seen[dir] {
		return nil
	}
	seen[dir] = true
	return s.addRun(dir)
}

// recorded tells whether a folder is that of a run. One with half of the record is an error: as histories of no run,
// what is missing of them would not be missed.
func recorded(dir string) (bool, error) {
	if _, err := os.Stat(filepath.Join(dir, ManifestFile)); err == nil {
		return true, nil
	}
	if _, err := os.Stat(filepath.Join(dir, CellsFile)); err == nil {
		return false, fmt.Errorf("%s: %s is missing: expected it beside %s: it says what the run was to do", dir, ManifestFile, CellsFile)
	}
	return false, nil
}
