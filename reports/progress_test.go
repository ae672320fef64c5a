package reports

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/results"
)

func TestPlainProgress(t *testing.T) {
	var b bytes.Buffer
	clock := time.Unix(0, 0)
	p := newProgress(Terminal{W: &b}, "cells", 30, func() time.Time { return clock })
	for i := range 30 {
		clock = clock.Add(400 * time.Millisecond)
		outcome := results.Passed
		switch i {
		case 3:
			outcome = results.Violated
		case 20:
			outcome = results.Errored
		}
		p.Done(outcome)
	}
	p.Finish()
	want := "13/30 cells, 1 violated, 5s\n26/30 cells, 1 violated, 1 in error, 10s\n30/30 cells, 1 violated, 1 in error, 12s\n"
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", b.String(), want)
	}
}

// What the last line has said is not said again at the end.
func TestLastLineOnce(t *testing.T) {
	var b bytes.Buffer
	clock := time.Unix(0, 0)
	p := newProgress(Terminal{W: &b}, "failures shrunk", 1, func() time.Time { return clock })
	clock = clock.Add(10 * time.Second)
	p.Done(results.Passed)
	clock = clock.Add(10 * time.Second)
	p.Finish()
	if want := "1/1 failures shrunk, 10s\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	p = NewProgress(Terminal{W: &b}, "cells", 1) // by the real clock
	p.Done(results.Passed)
	p.Finish()
	if b.Len() > 0 {
		t.Errorf("a short run says %q", b.String())
	}
}

// While nothing ends, a line says now and then that the run goes on; after its end none does.
func TestProgressOfWhatTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := NewProgress(Terminal{W: &b}, "cells", 2)
		time.Sleep(20 * time.Second)
		p.Done(results.Passed)
		time.Sleep(65 * time.Second)
		p.Finish()
		time.Sleep(time.Hour)
		if want := "1/2 cells, 20s\n1/2 cells, 50s\n1/2 cells, 1m20s\n"; b.String() != want {
			t.Errorf("got %q, want %q", b.String(), want)
		}
	})
}

// TestShortRunsAreSilent: a run of less than one interval prints no line.
func TestShortRunsAreSilent(t *testing.T) {
	var b bytes.Buffer
	clock := time.Unix(0, 0)
	p := newProgress(Terminal{W: &b}, "cells", 0, func() time.Time { return clock })
	p.Done(results.Passed)
	p.Finish()
	if b.Len() > 0 {
		t.Errorf("got %q", b.String())
	}
}

func TestBar(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(Terminal{W: &b, Live: true, Width: 80}, "cells", 2)
	p.Done(results.Violated)
	p.SetTotal(3)
	p.Done(results.Passed)
	p.Done(results.Passed)
	p.Finish()
	if !strings.Contains(b.String(), "1 violated") {
		t.Errorf("got %q", b.String())
	}
}

// TestNeverMoreDoneThanAll: whatever the total was taken for before, and no line
// comes twice.
func TestNeverMoreDoneThanAll(t *testing.T) {
	var b bytes.Buffer
	clock := time.Unix(0, 0)
	p := newProgress(Terminal{W: &b}, "plans", 2, func() time.Time { return clock })
	for range 3 {
		clock = clock.Add(6 * time.Second)
		p.Done(results.Passed)
	}
	p.SetTotal(1)
	p.Finish()
	if want := "1/2 plans, 6s\n2/2 plans, 12s\n3/3 plans, 18s\n"; b.String() != want {
		t.Errorf("got:\n%swant:\n%s", b.String(), want)
	}
}
