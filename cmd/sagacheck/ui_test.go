package main

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/results"
)

// A page says where the report is only if it was written, by a path that whoever looks can use.
func TestEnding(t *testing.T) {
	done := &campaign.Finished{Run: &results.Run{Summary: results.Summary{Outcome: results.Violated}}, Dir: "out"}
	if e := ending(done, &exitError{code: 1}); e.Problem != "" || e.Outcome != results.Violated || !filepath.IsAbs(e.Report) {
		t.Errorf("a run that is red: %+v", e)
	}
	if e := ending(done, trouble(errors.New("disk full"))); e.Problem != "disk full" || e.Report != "" {
		t.Errorf("a report that is not written: %+v", e)
	}
	if e := ending(nil, usage(errors.New("no such flag"))); e.Problem != "no such flag" || e.Outcome != "" {
		t.Errorf("no run: %+v", e)
	}
}
