package live

import (
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// What is kept at the most: so much fits on a page, or is looked for on one.
const (
	mostSaid  = 20   // lines
	mostCells = 1000 // that have ended
)

// View is what is known of a run while it goes on. The campaign tells it, from several goroutines at
// once; telling takes no longer than noting.
type View struct {
	mu       sync.Mutex
	began    time.Time
	meta     results.Meta
	dir      string // of the run; empty: no cell has been judged yet
	said     []string
	phases   []*phase
	totals   results.Totals
	rows     map[string]*results.Totals // by scenario
	running  map[string]*running        // by the cell's id
	finished []ended                    // the last ones, the latest last
	findings map[findingKey]*finding
	advice   map[string]bool // properties that are advice, never red
	leftOut  []results.NotRun
	end      *End

	over chan struct{} // closed when there is an end
}

// running is a cell that runs now.
type running struct {
	cell   results.CellInfo
	began  time.Time
	header history.Header // as it was when the cell began
	rec    *history.Recorder
}

// End is what a run came to.
type End struct {
	Outcome results.State // empty: there is no report
	Problem string        // why there is none, or what it lacks
	Reasons []string      // why it is not green
	Report  string        // file
	at      time.Time
}

// NewView is that of a run that begins now.
func NewView() *View {
	return &View{
		began: time.Now(), rows: map[string]*results.Totals{}, running: map[string]*running{}, findings: map[findingKey]*finding{},
		advice: map[string]bool{}, over: make(chan struct{}),
	}
}

// Begin says what is tested, and where its histories are.
func (v *View) Begin(meta results.Meta, dir string) {
	if abs, err := filepath.Abs(dir); err == nil { // whoever looks may not know where it was started
		dir = abs
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.meta, v.dir = meta, dir
	for _, p := range meta.Properties {
		v.advice[p.Name] = p.Advice
	}
}

// LeftOut: so many cells that were planned do not run.
func (v *View) LeftOut(why string, cells int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.leftOut {
		if n := &v.leftOut[i]; n.Reason == why {
			n.Plans += cells
			return
		}
	}
	v.leftOut = append(v.leftOut, results.NotRun{Reason: why, Plans: cells})
}

// Say notes what a person was told.
func (v *View) Say(line string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said = append(v.said, line)
	v.said = v.said[max(0, len(v.said)-mostSaid):]
}

// Began: a cell runs, and what happens is recorded there.
func (v *View) Began(cell results.CellInfo, rec *history.Recorder) {
	r := &running{cell, time.Now(), rec.Header(), rec}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running[cell.ID] = r
}

// Over: a cell runs no more.
func (v *View) Over(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.running, id)
}

// Judged: a cell counts, with what it broke or left open.
func (v *View) Judged(cell results.Cell, found []results.Failure) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.totals.Add(cell)
	row := v.rows[cell.Scenario]
	if row == nil {
		row = &results.Totals{}
		v.rows[cell.Scenario] = row
	}
	row.Add(cell)
	if len(v.finished) == 2*mostCells { // seldom, since it copies
		v.finished = slices.Clone(v.finished[mostCells:])
	}
	e := ended{cell, bare(found)}
	for _, f := range found {
		v.find(e, f)
	}
	v.finished = append(v.finished, e)
}

// End says that the run has ended. Nothing may be told after that.
func (v *View) End(e End) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.end == nil {
		e.at = time.Now()
		v.end = &e
		close(v.over)
	}
}

// ending is where the run is kept, and what it came to; nil: it goes on.
func (v *View) ending() (dir string, end *End) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.dir, v.end
}

// soFar is the verdict of what has been judged.
func soFar(t results.Totals) results.State {
	switch {
	case t.Violated > 0:
		return results.Violated
	case t.Errors > 0:
		return results.Errored
	case t.Inconclusive > 0:
		return results.Inconclusive
	case t.Vacuous > 0:
		return results.Vacuous
	}
	return results.Passed
}

// now is a cell that runs; nil: it does not.
func (v *View) now(id string) *running {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.running[id]
}
