// Package doctor says what of Sagacheck will not work on this machine, or worse than it
// should, and how to mend it. It tries each thing as a run would use it.
package doctor

import (
	"context"
	"fmt"
	"time"
)

// State is how a thing stands.
type State string

// The states. Broken: no run works. Limited: runs work, and take longer or prove less.
// Absent: what only some runs need is not there.
const (
	Fine    State = "fine"
	Limited State = "limited"
	Broken  State = "broken"
	Absent  State = "absent"
)

// Finding is what one check found.
type Finding struct {
	Check string `json:"check"`
	State State  `json:"state"`
	Found string `json:"found"`
	Mend  string `json:"mend,omitempty"` // what to do; empty where all is fine
}

// Options say where runs will work.
type Options struct {
	Out    string              // the folder of reports and histories
	Getenv func(string) string // of the process that would run
}

// slow is how long a check may take that waits for something outside.
const slow = 3 * time.Second

// Look makes all checks, in their order.
func Look(ctx context.Context, o Options) []Finding {
	found := []Finding{addresses(), descriptors(), evidence(), proxies(o.Getenv), cores(), clock(ctx), prompt(ctx), memory()}
	containers := docker(ctx)
	found = append(found, folder("reports and histories", o.Out), folder("temporary files", ""), containers)
	return append(found, engines(containers)...)
}

// Works tells whether runs can be made here at all.
func Works(found []Finding) bool {
	for _, f := range found {
		if f.State == Broken {
			return false
		}
	}
	return true
}

func fine(check, format string, args ...any) Finding {
	return Finding{Check: check, State: Fine, Found: fmt.Sprintf(format, args...)}
}

func finding(check string, s State, mend, format string, args ...any) Finding {
	return Finding{Check: check, State: s, Found: fmt.Sprintf(format, args...), Mend: mend}
}
