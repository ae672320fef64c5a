package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// github shows a run to GitHub Actions, where the program runs in it: annotations at the lines of the user's
// files, the summary of the job, and the outputs verdict and report of the step. What can't be written
// there changes no verdict, and is said.
func (p process) github(run *results.Run, dir string) {
	if p.getenv("GITHUB_ACTIONS") == "true" {
		if err := reports.Annotations(p.stdout, run); err != nil {
			p.say(fmt.Sprintf("the annotations: %v", err))
		}
	}
	if path := p.getenv("GITHUB_STEP_SUMMARY"); path != "" {
		var b bytes.Buffer
		err := reports.Summary(&b, run)
		if err == nil {
			err = appendTo(path, b.Bytes())
		}
		if err != nil {
			p.say(fmt.Sprintf("the summary of the job: %v", err))
		}
	}
	if path := p.getenv("GITHUB_OUTPUT"); path != "" && !strings.ContainsAny(dir, "\r\n") { // it could be another output
		if err := appendTo(path, fmt.Appendf(nil, "verdict=%s\nreport=%s\n", run.Summary.Outcome, dir)); err != nil {
			p.say(fmt.Sprintf("the outputs of the step: %v", err))
		}
	}
}

// appendTo adds to what others have written to a file.
func appendTo(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
