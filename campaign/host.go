package campaign

import (
	"fmt"
	"io"

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
	// Save writes the reports of a run that is only a part, into its folder.
	Save func(run *results.Run, dir string) error
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
