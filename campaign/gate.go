package campaign

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sagacheck/sagacheck/results"
)

// Gate is what the findings of a campaign are held against.
type Gate struct {
	Baseline string   // file of findings that are known; empty: none
	Update   bool     // write that file anew, as the run leaves it
	FailOn   []string // what fails the run; none: the default (results.FailDefault)
	Replays  int      // how often each finding is replayed, where that is possible
}

// DefaultReplays is how often each finding is replayed unless the user says otherwise.
const DefaultReplays = replaysOfFailure

// gate is a Gate that was read.
type gate struct {
	Gate
	known  *results.Baseline // nil: none
	failOn []string
	now    time.Time
}

// open reads what a gate names. A shard updates nothing: each would write a file of its own, of what it found.
func (o Gate) open(shard *results.Shard) (*gate, error) {
	g := &gate{Gate: o, now: time.Now()}
	var err error
	if g.failOn, err = results.ParseFailOn(o.FailOn); err != nil {
		return nil, usage(fmt.Errorf("--fail-on: %w", err))
	}
	switch {
	case o.Replays < 0:
		return nil, usage(fmt.Errorf("--replays: %d: expected 0 or more", o.Replays))
	case o.Update && o.Baseline == "":
		return nil, usage(errors.New("--baseline-update: expected --baseline FILE, which is written"))
	case o.Update && shard != nil:
		return nil, usage(errors.New("--baseline-update: not with --shard: give it to sagacheck report merge, which has what all shards found"))
	case o.Baseline == "":
		return g, nil
	}
	g.known, err = results.LoadBaseline(o.Baseline, o.Update)
	if o.Update && errors.Is(err, fs.ErrNotExist) {
		g.known, err = results.NewBaseline(o.Baseline), nil
	}
	if o.Update && err == nil {
		err = g.known.Writable()
	}
	if err != nil {
		return nil, usage(fmt.Errorf("--baseline: %w", err))
	}
	return g, nil
}

// fits refuses a baseline of another system.
func (g *gate) fits(orchestrator string) error {
	if err := g.known.Fits(orchestrator); err != nil {
		return usage(fmt.Errorf("--baseline: %w", err))
	}
	return nil
}

// expects tells whether a violation ends no run early: it is known, or an update is to find all of them.
func (g *gate) expects(k results.Key) bool {
	return g != nil && (g.Update || g.known.Knows(k, g.now))
}

// hold holds a run against what is known, and writes that anew if it was asked for. What keeps it from
// being written is an error of the run.
func (g *gate) hold(host Host, run *results.Run, played results.Replays) error {
	if err := run.Hold(g.known, g.failOn, played, g.now); err != nil {
		return usage(fmt.Errorf("--baseline: %w", err))
	}
	if !g.Update {
		return nil
	}
	if why := run.Partial(); why != "" {
		host.say("%s is not written: %s", g.Baseline, why)
		run.Errors = append(run.Errors, g.Baseline+" could not be updated: "+why)
		run.Judge()
		return nil
	}
	next, added, removed := g.known.Updated(run, g.now)
	if err := next.Save(); err != nil {
		run.Errors = append(run.Errors, err.Error())
		run.Judge()
		return nil
	}
	host.say("%s: %d added, %d removed, %d known%s", g.Baseline, added, removed, len(next.Findings), toFill(added))
	return nil
}

func toFill(added int) string {
	if added == 0 {
		return ""
	}
	return ": fill in reason and owner of the new ones"
}
