package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// A report that can't be written is trouble, whatever was found, and nothing points
// to it.
func TestPublishWhereNothingCanBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	run := results.New(results.Meta{Started: time.Now()}).Finish()
	run.Summary = results.Summary{Outcome: results.Passed}
	err := publish(reports.Terminal{W: &b}, &campaign.Finished{Run: run, Dir: filepath.Join(file, "run"), Link: results.LatestLink}, filepath.Dir(file))
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != results.ExitSystem || !strings.Contains(err.Error(), "--out") {
		t.Errorf("got %v, want exit 4 and what to do", err)
	}
	if !strings.Contains(b.String(), "ERROR") || strings.Contains(b.String(), "report: ") {
		t.Errorf("got %s", b.String())
	}
	if _, err := os.Lstat(filepath.Join(filepath.Dir(file), results.LatestLink)); err == nil {
		t.Error("latest points to what is not there")
	}
}
