package reports

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
)

const (
	maxStories = 20    // failures kept for each property and scenario
	maxTold    = 3     // of which so many are told whole in Markdown and HTML
	maxCells   = 10000 // green cells listed, and as many others
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
	// Clause, of a replay, is the one that was broken: it alone has to be judged.
	Clause string
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
	Probe    bool   // a planned fault may miss without making the run red
	// Again: its planned fault missed, and the plan is run once more as another cell,
	// which counts in its place. What this one broke counts all the same.
	Again    bool
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
	listed   [2]int   // green cells, others
	cells    *os.File // the record; nil: none is kept
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
			Orchestrator: m.Orchestrator, System: m.System, Profile: m.Profile, Shard: m.Shard, Content: m.Content, Clause: m.Clause,
		},
		advice:   map[string]bool{},
		results:  map[resultKey]*Result{},
		failures: map[resultKey][]Failure{},
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run.Orchestrator.Name == "" {
		c.run.Orchestrator = h.Header.Orchestrator
	}
	c.run.Profile = cmp.Or(c.run.Profile, h.Header.Profile)
	c.run.Totals.Events += len(h.Events)
	c.countCalls(h)
	for _, v := range verdicts {
		c.addVerdict(cell, h, v)
	}
	c.addFindings(cell, h, verdicts)
	c.addCell(cell)
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
		ID: info.ID, Scenario: info.Scenario, PlanID: info.PlanID, Plan: info.Plan, Probe: info.Probe, Again: info.Again,
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

// ClauseKey names a clause of a property.
type ClauseKey struct{ Property, Clause string }

// Open lists the clauses that no cell has judged yet, of properties that would be
// green without them.
func (c *Collector) Open() []ClauseKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	var open []ClauseKey
	for _, p := range c.run.Properties {
		var counts []checkers.Count
		for k, res := range c.results {
			if k.property == p.Name {
				counts = checkers.JoinCounts(counts, res.Clauses)
			}
		}
		broken := slices.ContainsFunc(counts, func(k checkers.Count) bool { return k.Broken > 0 })
		for _, k := range counts {
			if k.Open() && !broken && !p.Advice {
				open = append(open, ClauseKey{p.Name, k.Clause})
			}
		}
	}
	return open
}

// Finish sorts and judges. The collector must not be used after it.
func (c *Collector) Finish() *Run {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.run
	if c.cells != nil {
		if err := c.cells.Close(); err != nil {
			r.Errors = append(r.Errors, unwritable(c.cells.Name(), err).Error())
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
	r.Judge()
	return r
}

// countCalls counts the calls that arrived at addresses of ours. While there is
// none, one of the addresses is kept, to tell.
func (c *Collector) countCalls(h *history.History) {
	for i := range h.Events {
		if h.Events[i].Kind == history.CallSent {
			c.run.Totals.Calls++
		}
	}
	if d := h.Header.Definitions; c.run.Totals.Calls == 0 && len(d) > 0 && len(d[0].Steps) > 0 {
		c.run.Address = d[0].Steps[0].Action.URL
	}
}

func newCell(info CellInfo, h *history.History) Cell {
	cell := Cell{
		ID: cmp.Or(info.ID, h.Header.Cell), Scenario: cmp.Or(info.Scenario, h.Header.Scenario),
		PlanID: cmp.Or(info.PlanID, h.Header.PlanID), Plan: cmp.Or(info.Plan, planText(h.Header)),
		Probe: info.Probe, Again: info.Again, History: info.History, DurationMS: info.Duration.Milliseconds(),
		FaultsPlanned: len(h.Header.Faults),
	}
	fired := map[int]bool{}
	for i := range h.Events {
		if e := &h.Events[i]; e.Kind == history.FaultFired && e.Fault != nil {
			fired[*e.Fault] = true
		}
	}
	for i, f := range h.Header.Faults {
		if fired[i] {
			cell.FaultsFired++
		} else {
			cell.Unfired = append(cell.Unfired, f.Text)
		}
	}
	if cell.DurationMS == 0 && len(h.Events) > 0 {
		cell.DurationMS = h.Events[len(h.Events)-1].At.Milliseconds()
	}
	return cell
}

// worst is the verdict of a cell. A property that was never at risk does not
// make the cell vacuous, a planned fault that did not fire does.
func worst(cell Cell, verdicts []checkers.Verdict, advice map[string]bool) checkers.Outcome {
	has := func(o checkers.Outcome) bool {
		return slices.ContainsFunc(verdicts, func(v checkers.Verdict) bool { return v.Outcome == o && !advice[v.Property] })
	}
	switch {
	case has(checkers.Violation):
		return checkers.Violation
	case has(checkers.Inconclusive):
		return checkers.Inconclusive
	case len(cell.Unfired) > 0 && !cell.Probe && !cell.Again:
		return checkers.Vacuous
	}
	return checkers.Pass
}

func (c *Collector) addCell(cell Cell) {
	c.keepCell(cell)
	t := &c.run.Totals
	t.add(cell)
	kind := 0
	if cell.Verdict != checkers.Pass {
		kind = 1
	}
	if c.listed[kind]++; c.listed[kind] > maxCells {
		t.CellsLeftOut++
		return
	}
	c.run.Cells = append(c.run.Cells, cell)
}

// add counts a cell. One that is run again counts only as that, and for what it
// broke or left open; the faults of probes are counted apart, since they may miss.
func (t *Totals) add(cell Cell) {
	good := cell.Error == "" && cell.Verdict != checkers.Violation && cell.Verdict != checkers.Inconclusive
	if cell.Again {
		t.Repeated++
		if good {
			return
		}
	} else {
		t.Cells++
		t.addFaults(cell)
	}
	switch {
	case cell.Error != "":
		t.Errors++
	case cell.Verdict == checkers.Violation:
		t.Violated++
	case cell.Verdict == checkers.Inconclusive:
		t.Inconclusive++
	case cell.Verdict == checkers.Vacuous:
		t.Vacuous++
	default:
		t.Passed++
	}
}

func (t *Totals) addFaults(cell Cell) {
	switch {
	case !cell.Probe:
		t.FaultsPlanned += cell.FaultsPlanned
		t.FaultsFired += cell.FaultsFired
	case len(cell.Unfired) > 0:
		t.Probes++
		t.Missed++
	default:
		t.Probes++
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

// addFindings keeps what was violated as failures: one for each cause, under its most
// telling property, with the other ones that it broke beside it.
func (c *Collector) addFindings(cell Cell, h *history.History, verdicts []checkers.Verdict) {
	also := map[string][]string{}
	var order []string
	for _, f := range checkers.Group(verdicts) {
		first := f.Properties[0]
		if _, known := also[first]; !known {
			order = append(order, first)
		}
		also[first] = append(also[first], f.Properties[1:]...)
	}
	beside := map[string]bool{}
	for _, name := range order {
		others := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(also[name]))), func(o string) bool {
			return slices.Contains(order, o)
		})
		for _, o := range others {
			beside[o] = true
		}
		i := slices.IndexFunc(verdicts, func(v checkers.Verdict) bool { return v.Property == name })
		c.keepFailure(cell, h, verdicts[i], others)
	}
	for name := range beside {
		c.result(name, cell.Scenario).Cells.Beside++
	}
}

func (c *Collector) result(property, scenario string) *Result {
	k := resultKey{property, scenario}
	if c.results[k] == nil {
		c.results[k] = &Result{Property: property, Scenario: scenario, Advice: c.advice[property]}
	}
	return c.results[k]
}

// keepFailure keeps a failure if it is among the smallest of its property.
func (c *Collector) keepFailure(cell Cell, h *history.History, v checkers.Verdict, also []string) {
	k := resultKey{v.Property, cell.Scenario}
	kept := c.failures[k]
	if n := len(kept); n >= maxStories && !smaller(cell, v, kept[n-1]) {
		return
	}
	f := newFailure(cell, h, v)
	f.Also, f.Replay.System = also, c.run.System
	i, _ := slices.BinarySearchFunc(kept, f, compareFailures)
	kept = slices.Insert(kept, i, f)
	c.failures[k] = kept[:min(len(kept), maxStories)]
}

// smaller tells whether a failure of this cell would sort before f, without
// making it.
func smaller(cell Cell, v checkers.Verdict, f Failure) bool {
	g := Failure{Cell: cell.ID, Verdict: v.Outcome, Faults: cell.FaultsPlanned}
	if len(v.Witnesses) > 0 {
		g.Events = v.Witnesses[0].Events
	}
	return compareFailures(g, f) < 0
}

// compareFailures puts violations before what is undecided, then the smallest
// plan, then the smallest witness.
func compareFailures(a, b Failure) int {
	return cmp.Or(
		-cmp.Compare(a.Verdict, b.Verdict), // "violation" is after "inconclusive"
		cmp.Compare(a.Faults, b.Faults),
		-cmp.Compare(a.ShrunkFrom, b.ShrunkFrom), // what was shrunk was replayed too
		cmp.Compare(len(a.Events), len(b.Events)),
		compareNatural(a.Cell, b.Cell),
	)
}

func newFailure(cell Cell, h *history.History, v checkers.Verdict) Failure {
	f := Failure{
		Property: v.Property, Scenario: cell.Scenario, Cell: cell.ID, Verdict: v.Outcome, Broken: v.Reason,
		PlanID: cell.PlanID, Plan: cell.Plan, Faults: cell.FaultsPlanned, History: cell.History, Events: []int{},
	}
	var w checkers.Witness
	if len(v.Witnesses) > 0 {
		w = v.Witnesses[0]
		f.Broken, f.Clause, f.Saga, f.Step, f.More = w.Broken, w.Clause, w.Saga, w.Step, len(v.Witnesses)-1
		f.Events = append(f.Events, w.Events...)
	}
	f.Story = Tell(h, w)
	f.Replay = NewReplay(h.Header)
	f.Replay.Property, f.Replay.Clause, f.Replay.Broken = f.Property, f.Clause, f.Broken
	return f
}
