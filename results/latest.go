package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// ofLatest are the names of folders that LatestLink is to point to when their runs have ended, and that have a record.
var ofLatest = regexp.MustCompile(`^\d{8}-\d{6}-(run|explore)(-\d+)?$`)

// Overtaken says of a folder's LatestLink that a later run is beside what it points to that has not come to
// its end: whoever wants the last run would take an older one for it. Of any other path it is nil.
func Overtaken(path string) error {
	if filepath.Base(path) != LatestLink {
		return nil
	}
	out, taken := filepath.Dir(filepath.Clean(path)), nameOfLatest(path)
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(entries) { // the last one first
		if e.Name() <= taken || !ofLatest.MatchString(e.Name()) {
			continue
		}
		if err := unended(filepath.Join(out, e.Name())); err != nil {
			return fmt.Errorf("%s: a later run is there than %s, which it points to (if that is meant, name its folder): %w", path, taken, err)
		}
	}
	return nil
}

// nameOfLatest is the name of the folder that a link points to. Where a copy has made a folder of the link, it is the
// beginning of what that was called.
func nameOfLatest(path string) string {
	real := filepath.Base(resolved(path))
	if m, err := LoadManifest(path); err == nil && real == LatestLink {
		return m.Started.UTC().Format(dirTime)
	}
	return real
}

// unended is unfinished, also of a run that was killed before it had a record.
func unended(dir string) error {
	_, record := os.Stat(filepath.Join(dir, ManifestFile))
	_, report := os.Stat(filepath.Join(dir, JSONFile))
	if errors.Is(record, fs.ErrNotExist) && errors.Is(report, fs.ErrNotExist) {
		return fmt.Errorf("%s: unfinished: the run was killed before its first cell, or has not begun: %w", dir, ErrUnfinished)
	}
	return unfinished(dir)
}
