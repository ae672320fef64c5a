package live

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// What is kept at the most: so much fits on a page, or is looked for on one.
const (
	mostSaid  = 20   // lines
	mostCells = 1000 // that have ended
	mostTold  = 50   // failures of one property in one scenario
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
	finished []results.Cell             // the last ones, the latest last
	findings map[findingKey]*finding
	end      *End

	over chan struct{} // closed when there is an end
}

// phase is a part of the campaign that is counted.
type phase struct {
	what        string
	total, done int
	began, over time.Time
	view        *View
}

// running is a cell that runs now.
type running struct {
	cell   results.CellInfo
	began  time.Time
	header history.Header // as it was when the cell began
	rec    *history.Recorder
}

type findingKey struct{ property, scenario string }

// finding is a property that was broken, or left open, in a scenario.
type finding struct {
	cells int
	told  []results.Failure // with their stories, the smallest first
}

// End is what a run came to.
type End struct {
	Outcome results.State // empty: there is no report
	Problem string        // why there is none
	Reasons []string      // why it is not green
	Report  string        // file
	at      time.Time
}

// NewView is that of a run that begins now.
func NewView() *View {
	return &View{
		began: time.Now(), rows: map[string]*results.Totals{}, running: map[string]*running{}, findings: map[findingKey]*finding{},
		over: make(chan struct{}),
	}
}

// Begin says what is tested, and where its histories are.
func (v *View) Begin(meta results.Meta, dir string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.meta, v.dir = meta, dir
}

// Say notes what a person was told.
func (v *View) Say(line string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said = append(v.said, line)
	v.said = v.said[max(0, len(v.said)-mostSaid):]
}

// Progress is that of a part of the campaign.
type Progress interface {
	SetTotal(total int)
	Done(outcome results.State)
	Finish()
}

// Progress begins to count a part of the campaign: so many of what.
func (v *View) Progress(what string, total int) Progress {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := &phase{what: what, total: total, began: time.Now(), view: v}
	v.phases = append(v.phases, p)
	return p
}

func (p *phase) SetTotal(total int) {
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	p.total = total
}

func (p *phase) Done(results.State) {
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	p.done++
}

func (p *phase) Finish() {
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	p.over = time.Now()
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
	v.finished = append(v.finished, cell)
	for _, f := range found {
		v.find(f)
	}
}

func (v *View) find(f results.Failure) {
	k := findingKey{f.Property, f.Scenario}
	g := v.findings[k]
	if g == nil {
		g = &finding{}
		v.findings[k] = g
	}
	g.cells++
	if f.Replay == nil { // there are enough smaller ones
		return
	}
	replay := *f.Replay // the report writes into its own
	f.Replay = &replay
	i, _ := slices.BinarySearchFunc(g.told, f, results.CompareFailures)
	g.told = slices.Insert(slices.Clone(g.told), i, f)
	g.told = g.told[:min(len(g.told), mostTold)]
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

// failuresOf are what a cell broke or left open.
func (v *View) failuresOf(id string) (all []results.Failure) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, k := range v.keys() {
		for _, f := range v.findings[k].told {
			if f.Cell == id {
				all = append(all, f)
			}
		}
	}
	return all
}

// keys are those of the findings: what was broken first, then what was left open.
func (v *View) keys() []findingKey {
	undecided := func(k findingKey) int {
		if told := v.findings[k].told; len(told) > 0 && told[0].Verdict != checkers.Violation {
			return 1
		}
		return 0
	}
	return slices.SortedFunc(maps.Keys(v.findings), func(a, b findingKey) int {
		return cmp.Or(cmp.Compare(undecided(a), undecided(b)), cmp.Compare(a.property, b.property), cmp.Compare(a.scenario, b.scenario))
	})
}

// smallest is the smallest failure of a property in a scenario.
func (v *View) smallest(property, scenario string) (f results.Failure, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if g := v.findings[findingKey{property, scenario}]; g != nil && len(g.told) > 0 {
		return g.told[0], true
	}
	return f, false
}

// judged is what came of a cell, if it is among the last.
func (v *View) judged(id string) (results.Cell, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range slices.Backward(v.finished) {
		if c.ID == id {
			return c, true
		}
	}
	return results.Cell{}, false
}

// now is a cell that runs; nil: it does not.
func (v *View) now(id string) *running {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.running[id]
}
