package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// The files and folders of a run.
const (
	JSONFile     = "report.json"
	MarkdownFile = "report.md"
	HTMLFile     = "report.html"
	JUnitFile    = "junit.xml"
	HistoriesDir = "histories"
	FailuresDir  = "failures"
	LatestLink   = "latest" // the last run
	ReplayLink   = "latest-replay"
	CheckLink    = "latest-check"
)

// NewRunDir makes a folder for a run in out, named by time and command, with its
// histories folder.
func NewRunDir(out, command string, started time.Time) (string, error) {
	name := started.UTC().Format("20060102-150405") + "-" + fileName(command)
	for n := 1; ; n++ {
		dir := filepath.Join(out, name)
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", dir, n)
		}
		if err := os.MkdirAll(out, 0o777); err != nil {
			return "", unwritable(out, err)
		}
		switch err := os.Mkdir(dir, 0o777); {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil:
			return "", unwritable(dir, err)
		}
		if err := os.Mkdir(filepath.Join(dir, HistoriesDir), 0o777); err != nil {
			return "", unwritable(dir, err)
		}
		return dir, nil
	}
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
	tmp := filepath.Join(out, fmt.Sprintf(".%s-%d", link, os.Getpid()))
	if err := os.Symlink(target, tmp); err != nil {
		return unwritable(tmp, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(unwritable(path, err), os.Remove(tmp))
	}
	return nil
}

// Save writes all reports and replay files into dir, and marks the record of the run
// as ended once they are there. Each file is whole or not there. It tries every file
// and joins the errors, which name the path and what to do; after one the run has no
// Dir, so that nothing points to what is not there.
func (r *Run) Save(dir string) error {
	r.Dir = dir
	errs := []error{r.saveReplays(dir)}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{JSONFile, r.WriteJSON},
		{MarkdownFile, r.WriteMarkdown},
		{HTMLFile, r.WriteHTML},
		{JUnitFile, r.WriteJUnit},
	} {
		errs = append(errs, writeFile(filepath.Join(dir, f.name), f.write))
	}
	err := errors.Join(errs...)
	if err == nil {
		err = r.markEnd()
	}
	if err != nil {
		r.Dir = ""
	}
	return err
}

func (r *Run) saveReplays(dir string) error {
	if len(r.Failures) == 0 {
		return nil
	}
	folder := filepath.Join(dir, FailuresDir)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return unwritable(folder, err)
	}
	var errs []error
	for _, f := range r.Failures {
		if f.Replay == nil {
			continue
		}
		f.Replay.Tool = r.Tool
		b, err := f.Replay.Encode(f.comment())
		if err == nil {
			err = WriteFile(filepath.Join(dir, f.File), b)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// comment is the head of a replay file: what was found, and how to run it again.
func (f Failure) comment() string {
	also := ""
	if len(f.Also) > 0 {
		also = "\nalso breaks: " + strings.Join(f.Also, ", ")
	}
	return fmt.Sprintf("%s in %s: %s%s\nplan: %s\nRun it again, in the folder of the run: sagacheck replay %s\n\n%s\n",
		f.Property, f.Scenario, f.Broken, also, planLine(f), QuotePath(f.File), f.Story.Text())
}

// nameFiles names the replay files of sorted failures.
func nameFiles(list []Failure) {
	seen := map[string]int{}
	for i := range list {
		f := &list[i]
		name := fileName(f.Property + "-" + f.Scenario + "-" + f.Cell)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name])
		}
		f.File = FailuresDir + "/" + name + ".yaml"
	}
}

var unsafeName = regexp.MustCompile(`[^a-zA-Z0-9._-]+`)

func fileName(s string) string {
	s = strings.Trim(unsafeName.ReplaceAllString(s, "-"), "-.")
	if s == "" {
		return "run"
	}
	return s[:min(len(s), 150)]
}

// WriteJSON writes report.json.
func (r *Run) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// LoadRun reads the report.json in a run's folder, in the last run of a folder of
// --out, or that file itself, strictly, with the replay files of its failures. A
// folder whose run never ended is ErrUnfinished.
func LoadRun(path string) (*Run, error) {
	dir := path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if dir, err = reportDir(path); err != nil {
			return nil, err
		}
		path = filepath.Join(dir, JSONFile)
	} else {
		dir = filepath.Dir(path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("no report there: %w", err)
	}
	r, err := decodeRun(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.Dir = dir
	for i := range r.Failures {
		f := &r.Failures[i]
		if f.File == "" {
			continue
		}
		if f.Replay, err = LoadReplay(filepath.Join(dir, f.File)); err != nil {
			return nil, fmt.Errorf("%s: failures[%d]: %w", path, i, err)
		}
	}
	return r, nil
}

// reportDir is the folder with the report: dir, or the last run in it.
func reportDir(dir string) (string, error) {
	for _, d := range []string{dir, filepath.Join(dir, LatestLink)} {
		if _, err := os.Stat(filepath.Join(d, JSONFile)); err == nil {
			return d, nil
		}
		if err := unfinished(d, nil); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: no report there: expected the folder of a run, with %s, or a folder of --out, with %s/%s",
		dir, JSONFile, LatestLink, JSONFile)
}

func decodeRun(b []byte) (*Run, error) {
	var head struct {
		Version int `json:"sagacheck_report"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, err
	}
	if head.Version != Version {
		return nil, fmt.Errorf("sagacheck_report: version %d: this sagacheck reads version %d", head.Version, Version)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var r Run
	if err := dec.Decode(&r); err != nil {
		return nil, err
	}
	return &r, nil
}

// WriteFile writes a file under a temporary name and renames it.
func WriteFile(path string, b []byte) error {
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

func writeFile(path string, write func(io.Writer) error) error {
	var b bytes.Buffer // so that an error of rendering leaves no file
	if err := write(&b); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return unwritable(path, err)
	}
	_, err = f.Write(b.Bytes())
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(unwritable(path, err), os.Remove(f.Name()))
	}
	return nil
}

// unwritable says what to do about a path that can't be written.
func unwritable(path string, err error) error {
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
