package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/results"
)

// files are the reports of a run, each in a form of its own.
var files = []struct {
	name  string
	write func(io.Writer, *results.Run) error
}{
	{results.JSONFile, func(w io.Writer, r *results.Run) error { return r.WriteJSON(w) }},
	{results.MarkdownFile, Markdown},
	{results.HTMLFile, HTML},
	{results.JUnitFile, JUnit},
	{results.SARIFFile, SARIF},
	{results.CTRFFile, CTRF},
	{results.CodeQualityFile, CodeQuality},
}

// Save writes all reports and replay files into dir, and marks the record of the run
// as ended once they are there. Each file is whole or not there. It tries every file
// and joins the errors, which name the path and what to do. After one, whatever was found, the run
// is no PASS: it is judged anew, the reports that say otherwise are removed, and written again as far as
// there is room; and it has no Dir, so that nothing points to what is not there.
func Save(r *results.Run, dir string) error {
	r.KeepIn(dir)
	err := saveAll(r, dir)
	if err == nil {
		err = r.MarkEnd()
	}
	if err == nil {
		return nil
	}
	r.Errors = append(r.Errors, "the report could not be written")
	r.Judge()
	if removed := removeReports(dir); removed != nil {
		err = errors.Join(err, removed)
	} else {
		_ = saveAll(r, dir) // what is in the way of a file was told above
	}
	r.Dir = ""
	return err
}

func saveAll(r *results.Run, dir string) error {
	errs := []error{saveReplays(r, dir), savePictures(r, dir)}
	for _, f := range files {
		var b bytes.Buffer // so that an error of rendering leaves no file
		path := filepath.Join(dir, f.name)
		err := f.write(&b, r)
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		} else {
			err = results.WriteFile(path, b.Bytes())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// removeReports removes what was written of the reports. What is no file is in their way, and stays.
func removeReports(dir string) error {
	var errs []error
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			errs = append(errs, os.Remove(path))
		}
	}
	return errors.Join(errs...)
}

func saveReplays(r *results.Run, dir string) error {
	all := slices.Concat(r.Failures, r.Beside)
	if len(all) == 0 {
		return nil
	}
	folder := filepath.Join(dir, results.FailuresDir)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return results.Unwritable(folder, err)
	}
	var errs []error
	for _, f := range all {
		if f.Replay == nil {
			continue
		}
		f.Replay.Tool = r.Tool
		b, err := f.Replay.Encode(replayComment(f))
		if err == nil {
			err = results.WriteFile(filepath.Join(dir, f.File), b)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// replayComment is the head of a replay file: what was found, and how to run it again.
func replayComment(f results.Failure) string {
	also := ""
	if len(f.Also) > 0 {
		also = "\nalso breaks: " + strings.Join(f.Also, ", ")
	}
	return fmt.Sprintf("%s in %s: %s%s\nplan: %s\nRun it again, in the folder of the run: sagacheck replay %s\n\n%s\n",
		f.Property, f.Scenario, f.Broken, also, planLine(f), QuotePath(f.File), StoryText(f.Story))
}
