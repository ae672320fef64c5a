package orchestrators

import (
	"context"
	"errors"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// System is an orchestrator that runs.
type System interface {
	// Info names it, with its version and capabilities.
	Info() history.Orchestrator
	// Base is its base URL now.
	Base() string
	// Client makes a client for another base URL of the same system: that of a
	// proxy in front of it.
	Client(base string) Client
	// Kill ends the crashable processes as a crash would (SIGKILL) and returns when
	// they are gone. ErrCannotKill where there is none.
	Kill(ctx context.Context) error
	// Restart starts them again on the same store and the same ports and returns
	// when the system is ready.
	Restart(ctx context.Context) error
	// Pause stops the crashable processes (SIGSTOP), Resume lets them go on.
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	// Alive is nil, or why the system is dead, with its last log lines.
	Alive() error
	// Stop ends it and removes what it stored. It may be called twice.
	Stop(ctx context.Context) error
}

// ErrCannotKill says that a system has no process of ours that could be killed
// or paused.
var ErrCannotKill = errors.New("this orchestrator has no process that can be killed or paused")

// Pace is how fast a system is compared with the policies of the scenarios.
type Pace struct {
	// Scale multiplies the durations of retry policies and time-outs, at least 1.
	Scale float64
	// Quiet is how long the wires must be silent before one may believe that a
	// saga without an end is stuck.
	Quiet time.Duration
	// Parallel is how many cells it can serve at once; 0: as many as anybody likes.
	Parallel int
	// Cells is how many cells that may kill it one start of it serves, one after the other; 0: any number.
	Cells int
}

// Paced is a system that asks for a pace of its own.
type Paced interface{ Pace() Pace }

// PaceOf is the pace of a system; without one of its own it is Scale 1 and a
// second of silence.
func PaceOf(s System) Pace {
	p := Pace{Scale: 1, Quiet: time.Second}
	if s, ok := s.(Paced); ok {
		own := s.Pace()
		p.Scale = max(p.Scale, own.Scale)
		p.Quiet = max(p.Quiet, own.Quiet)
		p.Parallel, p.Cells = own.Parallel, own.Cells
	}
	return p
}
