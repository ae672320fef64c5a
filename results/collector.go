package results

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
)

// Meta says what a run is before its first cell.
type Meta struct {
	Tool         string
	Command      string
	Started      time.Time // zero: now
	Seed         uint64
	Orchestrator history.Orchestrator // empty: that of the first history
	System       System               // how it was reached; empty: not known
	Profile      string               // empty: that of the first history
	Shard        *Shard
	Content      Content
	Sources      []Source // files of users that say what ran
	// Clause, of a replay, is the one that was broken: it alone has to be judged.
	Clause string
	Keep   Keep // histories of cells that passed; empty: all
	// Watch, if not nil, is told of each cell and of what it broke or left open: all that it may do
	// is to note it, since others wait. Only the smallest failures have a story and a replay.
	Watch func(cell Cell, found []Failure)
	// WatchLeftOut, if not nil, is told of planned cells that do not run.
	WatchLeftOut func(reason string, plans int)
	// Properties are the docs of the selected checkers, in the order of the report.
	Properties []checkers.Doc
}

// CellInfo is what the runner knows of a cell besides its history. What is empty
// is taken from the history's header.
type CellInfo struct {
	ID       string
	Scenario string
	PlanID   string
	Plan     string // in words
	Faults   []history.PlannedFault
	Probe    bool // a planned fault may miss without making the run red
	// Again: its planned fault missed, and the plan is run once more as another cell,
	// which counts in its place. What this one broke counts all the same.
	Again    bool
	Alone    bool   // it ran before, beside others, and could not be judged then: see Run.Alone
	History  string // file, relative to the run's folder
	Duration time.Duration
}

// Collector gathers the verdicts of a run. It is safe for concurrent use, costs
// one pass over the events of a history, and keeps no history.
type Collector struct {
	mu       sync.Mutex
	begun    time.Time // with its monotonic clock
	run      Run
	advice   map[string]bool
	results  map[resultKey]*Result
	failures map[resultKey][]Failure
	beside   map[string]Failure // by property
	keyed    map[Key]*Finding   // without participants
	rates    map[Key]Rate       // how often findings came back, as far as they were replayed
	listed   [2]int             // green cells, others
	watch    func(cell Cell, found []Failure)
	leftOut  func(reason string, plans int)
	found    []Failure // of the cell that is being taken
	cells    *os.File  // the record; nil: none is kept
	keeper   keeper
}

type resultKey struct{ property, scenario string }

// New begins a run.
func New(m Meta) *Collector {
	if m.Started.IsZero() {
		m.Started = time.Now()
	}
	c := &Collector{
		begun: m.Started,
		run: Run{
			Version: Version, Tool: m.Tool, Command: m.Command, Started: m.Started.Round(0), Seed: m.Seed,
			Orchestrator: m.Orchestrator, System: m.System, Profile: m.Profile, Shard: m.Shard, Content: m.Content, Sources: m.Sources, Clause: m.Clause,
		},
		watch:    m.Watch,
		leftOut:  m.WatchLeftOut,
		keeper:   keeper{keep: cmp.Or(m.Keep, KeepAll), passed: map[string]int{}},
		advice:   map[string]bool{},
		results:  map[resultKey]*Result{},
		failures: map[resultKey][]Failure{},
		beside:   map[string]Failure{},
		keyed:    map[Key]*Finding{},
	}
	for _, d := range m.Properties {
		c.run.Properties = append(c.run.Properties, Property{Name: d.Name, Definition: d.Definition, Advice: d.Advice})
		c.advice[d.Name] = d.Advice
	}
	return c
}

// Add takes the verdicts of one cell and says what they make of it.
func (c *Collector) Add(info CellInfo, h *history.History, verdicts []checkers.Verdict) State {
	cell := newCell(info, h)
	cell.Verdict = worst(cell, verdicts, c.advice)
	charted := mapOf(cell.Scenario, h, cell.Verdict)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run.Orchestrator.Name == "" {
		c.run.Orchestrator = h.Header.Orchestrator
	}
	c.run.Profile = cmp.Or(c.run.Profile, h.Header.Profile)
	c.run.Totals.Events += len(h.Events)
	c.countCalls(h)
	c.run.chart(charted)
	for _, v := range verdicts {
		c.addVerdict(cell, h, v)
	}
	c.addFindings(cell, h, verdicts)
	gone := ""
	if plain(cell, verdicts) {
		gone = c.thin(&cell)
	}
	c.addCell(cell)
	if gone != "" {
		if err := os.Remove(gone); err != nil {
			c.unthinned(err)
		}
	}
	return State(cell.Verdict)
}

// AddError takes a cell that has no verdict because the system under test or the
// harness failed. A CellInfo without an ID stands for the run as a whole.
func (c *Collector) AddError(info CellInfo, err error) {
	if err == nil {
		err = errors.New("no history and no error")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if info.ID == "" {
		c.run.Errors = append(c.run.Errors, err.Error())
		return
	}
	c.addCell(Cell{
		ID: info.ID, Scenario: info.Scenario, PlanID: info.PlanID, Plan: info.Plan, PlanFaults: info.Faults, Probe: info.Probe, Again: info.Again, Alone: info.Alone,
		History: info.History, DurationMS: info.Duration.Milliseconds(), Error: err.Error(),
	})
}

// Interrupt marks the run as cut short by its user.
func (c *Collector) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.Interrupted = true
}

// Totals are the counts so far.
func (c *Collector) Totals() Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.run.Totals
}

// Smallest are what was violated so far, by the smallest plans, those with the fewest faults first: one
// failure a finding, and the keys of findings whose failures are not kept.
func (c *Collector) Smallest() (list []Failure, bare []Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, found := range smallest(c.noted()) {
		kept := c.failures[resultKey{found.Property, found.Scenario}]
		i := slices.IndexFunc(kept, func(f Failure) bool { return f.Verdict == checkers.Violation && SortPlan(f.Plan) == found.Plan })
		if i < 0 {
			bare = append(bare, found.Key)
			continue
		}
		list = append(list, kept[i])
	}
	slices.SortStableFunc(list, func(a, b Failure) int { return cmp.Compare(a.Faults, b.Faults) })
	return list, bare
}

// Reproduce says how often findings came back in replays: one that didn't each time explains no other plan.
func (c *Collector) Reproduce(rates map[Key]Rate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rates = maps.Clone(rates)
}

// noted are the findings of all cells.
func (c *Collector) noted() (all []Finding) {
	for _, f := range c.keyed {
		f.Participants = c.run.Profile
		f.Reproduced = nil
		if rate, replayed := c.rates[f.Key]; replayed {
			f.Reproduced = &rate
		}
		all = append(all, *f)
	}
	return all
}

// Finish sorts and judges. The collector must not be used after it.
func (c *Collector) Finish() *Run {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.run
	if c.cells != nil {
		if err := c.cells.Close(); err != nil {
			r.Errors = append(r.Errors, Unwritable(c.cells.Name(), err).Error())
		}
		c.cells = nil
	}
	r.DurationMS = time.Since(c.begun).Milliseconds()
	r.Orchestrator.Capabilities = orEmpty(r.Orchestrator.Capabilities)
	if r.Totals.Calls > 0 {
		r.Address = ""
	}
	for k, res := range c.results {
		res.decide()
		r.Results = append(r.Results, *res)
		if c.advice[k.property] {
			r.Advice = append(r.Advice, c.failures[k]...)
		} else {
			r.Failures = append(r.Failures, c.failures[k]...)
		}
	}
	r.Beside = slices.Collect(maps.Values(c.beside))
	r.Found = smallest(c.noted())
	r.Judge()
	return r
}

// seen counts sagas in which an invariant that must be true sometimes was.
func (r *Run) seen(invariant string, n int) {
	if r.Sometimes == nil {
		r.Sometimes = map[string]int{}
	}
	r.Sometimes[invariant] += n
}

// countCalls counts the calls that arrived at addresses of ours. While there is
// none, one of the addresses is kept, to tell.
func (c *Collector) countCalls(h *history.History) {
	for i := range h.Events {
		if e := &h.Events[i]; e.Kind == history.InvariantChecked && e.When == "sometimes" {
			n := 0
			if e.Holds {
				n = 1
			}
			c.run.seen(e.Invariant, n)
		}
		if h.Events[i].Kind == history.CallSent {
			c.run.Totals.Calls++
		}
	}
	if d := h.Header.Definitions; c.run.Totals.Calls == 0 && len(d) > 0 && len(d[0].Steps) > 0 {
		c.run.Address = d[0].Steps[0].Action.URL
	}
}

// addVerdict counts a verdict, and keeps what is advice or undecided as a failure by
// itself.
func (c *Collector) addVerdict(cell Cell, h *history.History, v checkers.Verdict) {
	res := c.result(v.Property, cell.Scenario)
	res.add(cell.ID, v)
	if v.Outcome == checkers.Inconclusive || v.Outcome == checkers.Violation && res.Advice {
		c.keepFailure(cell, h, v, nil)
	}
}

func (c *Collector) result(property, scenario string) *Result {
	k := resultKey{property, scenario}
	if c.results[k] == nil {
		c.results[k] = &Result{Property: property, Scenario: scenario, Advice: c.advice[property]}
	}
	return c.results[k]
}
