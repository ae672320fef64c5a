package campaign

import (
	"context"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// Finished is what a campaign came to. Its run is judged, its histories are stored; its
// reports are not written yet.
type Finished struct {
	Run  *results.Run
	Dir  string // the folder of the run
	Link string // name of the link beside it that is to point to it
	// Audit is what the rules of an exploration would have lost; nil: nobody asked.
	Audit *Audit
}

// finish ends the session and gives what it found.
func (x *session) finish() *Finished {
	if err := x.close(); err != nil {
		x.collector.AddError(results.CellInfo{}, err)
	}
	x.tellLate()
	x.tellHeld(x.host)
	return &Finished{Run: x.collector.Finish(), Dir: x.dir, Link: x.link}
}

// tellLate says that some of what the system under test did was not judged.
func (x *session) tellLate() {
	late := x.harness.Late()
	if x.remote != nil {
		late = late.Plus(x.remote.heardLate())
	}
	if late.Calls == 0 {
		return
	}
	advice := "give --quiet a longer time than that"
	if x.flow != nil {
		advice = "give system.quiet_ms, or --quiet, a longer time than that; or one that was under way used what belongs to another"
	}
	x.collector.AddError(results.CellInfo{}, fmt.Errorf("%s came for sagas whose cells were over, up to %v after it, and could not be judged; the first was %s of %s: %s",
		words.Plural(late.Calls, "call"), late.After.Round(time.Millisecond), late.First, late.Saga, advice))
}

// finishShrunk is finish with the failures shrunk and replayed first. The run is amended and then held
// against what is known.
func (x *session) finishShrunk(ctx context.Context, f Shrink, found *failures, amend func(*Finished)) (*Finished, error) {
	shrunk := x.shrinkAll(ctx, f, found)
	played := x.again(ctx, found, shrunk)
	x.collector.Reproduce(played.Rates)
	done := x.finish()
	for _, g := range shrunk {
		x.enter(done.Run, g)
	}
	done.Run.Reproduce(played)
	amend(done)
	done.Run.Judge()
	return done, x.gate.hold(x.host, done.Run, played)
}
