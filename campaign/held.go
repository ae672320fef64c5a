package campaign

import (
	"fmt"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/harness"
)

// worthSaying is how long cells must have run before it is said what kept them from being faster, and
// for which part of that time something must have.
const (
	worthSaying = 5 * time.Second
	worthPart   = 0.2
)

// tellHeld says to somebody why no more cells ran at once.
func (x *session) tellHeld(who Host) {
	if words := held(x.harness.Held(), x.s.Parallel, x.s.Processes); words != "" {
		who.say("%s", words)
	}
}

// held are the words for what kept cells waiting; empty: it was nothing of note.
func held(h harness.Held, parallel, processes int) string {
	if h.Of < worthSaying {
		return ""
	}
	var parts []string
	for _, by := range []struct {
		time time.Duration
		what string
	}{
		{h.Late, "for the machine, which was late"},
		{h.Parallel, fmt.Sprintf("as %d sagas ran (--parallel)", parallel)},
		{h.Processes, fmt.Sprintf("as %d orchestrators of their own ran (--processes)", processes)},
	} {
		if part := by.time.Seconds() / h.Of.Seconds(); part >= worthPart {
			parts = append(parts, fmt.Sprintf("%.0f %% of the time %s", 100*part, by.what))
		}
	}
	if parts == nil {
		return ""
	}
	return "cells waited " + strings.Join(parts, "; ")
}
