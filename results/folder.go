package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// The files and folders of a run.
const (
	JSONFile     = "report.json"
	MarkdownFile = "report.md"
	HTMLFile     = "report.html"
	JUnitFile    = "junit.xml"
	SARIFFile    = "report.sarif"
	CTRFFile     = "ctrf.json"
	HistoriesDir = "histories"
	FailuresDir  = "failures"
	LatestLink   = "latest" // the last run
	ReplayLink   = "latest-replay"
	CheckLink    = "latest-check"
	TryLink      = "latest-try"

	CodeQualityFile = "gl-code-quality-report.json" // as GitLab calls it
)

// dirTime is the time that the name of a run's folder begins with.
const dirTime = "20060102-150405"

// NewRunDir makes a folder for a run in out, named by time and command, with its
// histories folder.
func NewRunDir(out, command string, started time.Time) (string, error) {
	name := started.UTC().Format(dirTime) + "-" + fileName(command)
	for n := 1; ; n++ {
		dir := filepath.Join(out, name)
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", dir, n)
		}
		if err := os.MkdirAll(out, 0o777); err != nil {
			return "", Unwritable(out, err)
		}
		switch err := os.Mkdir(dir, 0o777); {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil:
			return "", Unwritable(dir, err)
		}
		if err := os.Mkdir(filepath.Join(dir, HistoriesDir), 0o777); err != nil {
			return "", Unwritable(dir, err)
		}
		return dir, nil
	}
}

// DropEmptyRunDir removes the folder of a run of which nothing was kept.
func DropEmptyRunDir(dir string) error {
	for _, d := range []string{filepath.Join(dir, HistoriesDir), dir} {
		if err := os.Remove(d); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
			return err
		}
	}
	return nil
}

// PointLatest lets the link out/link (LatestLink, or one that begins with it) point
// to a run's folder.
func PointLatest(out, link, dir string) error {
	path := filepath.Join(out, link)
	target, err := filepath.Rel(out, dir)
	if err != nil {
		target = dir
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("%q is there and is not a link: remove it, or choose another folder with --out", path)
	}
	if err := renameio.Symlink(target, path); err != nil {
		return Unwritable(path, err)
	}
	return nil
}

var unsafeName = regexp.MustCompile(`[^a-zA-Z0-9._-]+`)

func fileName(s string) string {
	s = strings.Trim(unsafeName.ReplaceAllString(s, "-"), "-.")
	if s == "" {
		return "run"
	}
	return s[:min(len(s), 150)]
}

// WriteFile writes a file under a temporary name and renames it, so that it is whole
// or not there.
func WriteFile(path string, b []byte) error {
	if err := renameio.WriteFile(path, b, 0o644, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o644)); err != nil {
		return Unwritable(path, err)
	}
	return nil
}

// Unwritable says what to do about a path that can't be written.
func Unwritable(path string, err error) error {
	advice := "check the folder, or choose another one with --out"
	switch {
	case errors.Is(err, syscall.ENOSPC):
		advice = "the disk is full: free some space, or choose another folder with --out"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		advice = "no permission: choose a folder that you may write to with --out"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		advice = "a file stands where a folder is needed: choose another one with --out"
	}
	return fmt.Errorf("write %q: %w (%s)", path, err, advice)
}
