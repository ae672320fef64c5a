package campaign

import (
	"context"

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
	return &Finished{Run: x.collector.Finish(), Dir: x.dir, Link: x.link}
}

// finishShrunk is finish with the failures shrunk first.
func (x *session) finishShrunk(ctx context.Context, f Shrink, found *failures) *Finished {
	shrunk := x.shrinkAll(ctx, f, found)
	done := x.finish()
	for _, g := range shrunk {
		x.enter(done.Run, g)
	}
	done.Run.Judge()
	return done
}
