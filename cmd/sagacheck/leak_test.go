package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

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

var longRun = flag.Duration("long-run", 15*time.Second, "how long TestLongRunStaysFlat runs")

// TestLongRunStaysFlat makes one run after the other, of drawn plans over all
// scenarios with processes that are killed: what the program holds on to must not
// grow. make leaks runs it for ten minutes.
func TestLongRunStaysFlat(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	began := time.Now()
	before := goleak.IgnoreCurrent()
	var files int
	var first uint64
	cells, runs := 0, 0
	for ; runs < 3 || time.Since(began) < *longRun; runs++ {
		t.Run(fmt.Sprintf("run-%d", runs+1), func(t *testing.T) { // its folder is removed at its end
			_, report, output := command(t, "run", "--curated=false", "--runs", "100", "--seed", strconv.Itoa(runs+1))
			if report.Totals.Errors+report.Totals.Violated > 0 {
				t.Errorf("%q of %+v\n%s", broken(report), report.Totals, output)
			}
			cells += report.Totals.Cells
		})
		goleak.VerifyNone(t, before)
		if own := children(t); len(own) > 0 {
			t.Errorf("child processes are left: %v", own)
		}
		now, open := heap(), openFiles(t)
		if runs == 0 {
			files, first = open, now
		}
		if open > files || now > first+heapSlack {
			t.Fatalf("after %d runs: %d files and %d KiB of heap, after the first: %d and %d KiB", runs+1, open, now>>10, files, first>>10)
		}
		t.Logf("%8v %6d cells %5d files %7d KiB of heap", time.Since(began).Round(time.Second), cells, open, now>>10)
	}
}

// heapSlack is what caches may take after the first run: a fraction of what one run
// would leave if its histories were kept.
const heapSlack = 8 << 20

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
