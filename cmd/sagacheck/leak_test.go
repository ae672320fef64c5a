package main

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// A run, with processes that are killed and paused, leaves nothing behind: no
// goroutine, no open file or socket, no child process, no temporary folder.
func TestRunLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	before, open := goleak.IgnoreCurrent(), openFiles(t)
	_, report, output := command(t, "run", "--scenario", "order", "--runs", "10", "--parallel", "4", "--processes", "2")
	if report.Totals.Cells < 50 {
		t.Fatalf("only %d cells\n%s", report.Totals.Cells, output)
	}
	goleak.VerifyNone(t, before)
	if now := openFiles(t); now > open {
		t.Errorf("%d files are open, %d were before", now, open)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "sagacheck-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("temporary folders are left: %v", left)
	}
	if own := children(t); len(own) > 0 {
		t.Errorf("child processes are left: %v", own)
	}
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// children are the ids of this process's children.
func children(t *testing.T) []string {
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err == nil && len(b) > 0 { // a task may have ended by now
			ids = append(ids, string(b))
		}
	}
	return ids
}
