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

// Save writes all reports and replay files into dir, and marks the record of the run
// as ended once they are there. Each file is whole or not there. It tries every file
// and joins the errors, which name the path and what to do; after one the run has no
// Dir, so that nothing points to what is not there.
func Save(r *results.Run, dir string) error {
	r.KeepIn(dir)
	errs := []error{saveReplays(r, dir), savePictures(r, dir)}
	for _, f := range []struct {
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
	} {
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
	err := errors.Join(errs...)
	if err == nil {
		err = r.MarkEnd()
	}
	if err != nil {
		r.Dir = ""
	}
	return err
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
