package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// github shows a run to GitHub Actions, where the program runs in it: annotations at the lines of the user's
// files, and the summary of the job. What can't be written there changes no verdict, and is said.
func (p process) github(run *results.Run) {
	if p.getenv("GITHUB_ACTIONS") == "true" {
		if err := reports.Annotations(p.stdout, run); err != nil {
			p.say(fmt.Sprintf("the annotations: %v", err))
		}
	}
	if path := p.getenv("GITHUB_STEP_SUMMARY"); path != "" {
		if err := appendSummary(path, run); err != nil {
			p.say(fmt.Sprintf("the summary of the job: %v", err))
		}
	}
}

// appendSummary adds a run to what other steps have written.
func appendSummary(path string, run *results.Run) error {
	var b bytes.Buffer
	if err := reports.Summary(&b, run); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
