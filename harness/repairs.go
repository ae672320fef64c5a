package harness

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
)

// repairsWatched is how long it is looked on when a repair was answered, or when there is nothing to repair: one repair too
// many comes later than the first.
const repairsWatched = 1500 * time.Millisecond

// repairs looks on at what an orchestrator repairs, where it does.
type repairs struct {
	r      *cellRun
	able   bool
	settle time.Time // when all that is due has come; zero: it has not
}

func (r *cellRun) repairs() *repairs {
	return &repairs{r: r, able: slices.Contains(r.sys.Info().Capabilities, orchestrators.Repair)}
}

// watched tells whether what is due has come, and has been looked on at for long enough since.
func (p *repairs) watched() bool {
	events, _ := p.r.rec.Since(0)
	drifted := slices.ContainsFunc(events, func(e history.Event) bool { return e.Kind == history.Drifted })
	switch {
	case !p.able || !drifted:
		return true
	case !p.settle.IsZero():
	case !slices.ContainsFunc(events, func(e history.Event) bool { return e.Kind == history.Drifted && !repaired(events, e) }):
		p.settle = time.Now()
	}
	return !p.settle.IsZero() && time.Since(p.settle) >= repairsWatched
}

// repaired tells whether a drift needs no repair, or had one that was answered.
func repaired(events []history.Event, drifted history.Event) bool {
	return drifted.Direction == saga.Action || slices.ContainsFunc(events, func(e history.Event) bool {
		return e.Kind == history.CallEnded && e.Seq > drifted.Seq && e.Operation() == drifted.Operation() && saga.Classify(e.Code) == saga.Done
	})
}
