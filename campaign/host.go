package campaign

import (
	"fmt"
	"io"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// Host is the program that a campaign runs in. Its zero value hears nothing.
type Host struct {
	Tool    string // version of the program, for reports and replay files
	Command string // what it was told to do, for reports
	// Say is told what a person should know now: one line, without its end.
	Say func(line string)
	// Output takes what engines print while they are installed and started.
	Output io.Writer
	// Progress begins to show how far a part of the campaign is: so many of what, for
	// example "cells"; 0: not known yet.
	Progress func(what string, total int) Progress
	// Watch follows the run while it goes on; nil: nobody does.
	Watch Watcher
	// Save writes the reports of a run that is only a part, into its folder.
	Save func(run *results.Run, dir string) error
}

// Watcher follows a run. It is called from several goroutines at once, and cells wait for it: all
// that it may do is to note what it is told.
type Watcher interface {
	// Begin: cells are about to be judged, and the run has that folder.
	Begin(run results.Meta, dir string)
	// Began: a cell runs, and what happens is recorded there. Over: it runs no more, and its history
	// is stored in the run's folder, if there is one.
	Began(cell results.CellInfo, rec *history.Recorder)
	Over(id string)
	// Judged: a cell counts, with what it broke or left open.
	Judged(cell results.Cell, found []results.Failure)
	// LeftOut: so many cells that were planned do not run.
	LeftOut(why string, cells int)
}

// watched tells a watcher of cells that the harness runs.
type watched struct{ Watcher }

var _ harness.Watcher = watched{}

func (w watched) Began(c harness.Cell, rec *history.Recorder) {
	w.Watcher.Began(results.CellInfo{ID: c.ID, Scenario: c.Scenario, PlanID: c.Plan.ID(), Plan: c.Plan.String()}, rec)
}

func (w watched) Over(c harness.Cell) { w.Watcher.Over(c.ID) }

func (h Host) watcher() harness.Watcher {
	if h.Watch == nil {
		return nil
	}
	return watched{h.Watch}
}

// Progress shows how far something is. It is called from several goroutines at once.
type Progress interface {
	SetTotal(total int)
	Done(outcome results.State)
	Finish()
}

func (h Host) say(format string, args ...any) {
	if h.Say != nil {
		h.Say(fmt.Sprintf(format, args...))
	}
}

func (h Host) output() io.Writer {
	if h.Output == nil {
		return io.Discard
	}
	return h.Output
}

func (h Host) progress(what string, total int) Progress {
	if h.Progress == nil {
		return unseen{}
	}
	return h.Progress(what, total)
}

func (h Host) save(run *results.Run, dir string) error {
	if h.Save == nil {
		return nil
	}
	return h.Save(run, dir)
}

// unseen is progress that nobody looks at.
type unseen struct{}

func (unseen) SetTotal(int)       {}
func (unseen) Done(results.State) {}
func (unseen) Finish()            {}
