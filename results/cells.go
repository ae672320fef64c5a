package results

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
)

// maxCells is how many green cells are listed, and as many others.
const maxCells = 10000

func newCell(info CellInfo, h *history.History) Cell {
	cell := Cell{
		ID: cmp.Or(info.ID, h.Header.Cell), Scenario: cmp.Or(info.Scenario, h.Header.Scenario),
		PlanID: cmp.Or(info.PlanID, h.Header.PlanID), Plan: cmp.Or(info.Plan, PlanText(h.Header)),
		Probe: info.Probe, Again: info.Again, Alone: info.Alone, History: info.History, DurationMS: info.Duration.Milliseconds(),
		PlanFaults: h.Header.Faults, FaultsPlanned: len(h.Header.Faults),
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
			cell.UnfiredWhy = cmp.Or(cell.UnfiredWhy, whyUnfired(h, f))
		}
	}
	if cell.DurationMS == 0 && len(h.Events) > 0 {
		cell.DurationMS = h.Events[len(h.Events)-1].At.Milliseconds()
	}
	return cell
}

// PlanText is the plan of a history in words: the texts of its faults.
func PlanText(h history.Header) string {
	var parts []string
	for _, f := range h.Faults {
		parts = append(parts, f.Text)
	}
	if len(parts) > 0 {
		return strings.Join(parts, ", ")
	}
	var plan struct {
		Faults []json.RawMessage `json:"faults"`
	}
	if json.Unmarshal(h.Plan, &plan) == nil && len(plan.Faults) > 0 {
		return words.Plural(len(plan.Faults), "fault")
	}
	return "no fault"
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
	t.Add(cell)
	if c.watch != nil {
		c.watch(cell, c.found)
	}
	c.found = nil
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

// Add counts a cell. One that is run again counts only as that, and for what it
// broke or left open; the faults of probes are counted apart, since they may miss.
func (t *Totals) Add(cell Cell) {
	good := cell.Error == "" && cell.Verdict != checkers.Violation && cell.Verdict != checkers.Inconclusive
	if cell.Again {
		t.Repeated++
		if good {
			return
		}
	} else {
		t.Cells++
		if cell.Alone {
			t.Alone++
		}
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

func (t *Totals) join(o Totals) {
	t.Cells += o.Cells
	t.Passed += o.Passed
	t.Violated += o.Violated
	t.Inconclusive += o.Inconclusive
	t.Vacuous += o.Vacuous
	t.Errors += o.Errors
	t.Repeated += o.Repeated
	t.Alone += o.Alone
	t.Probes += o.Probes
	t.Missed += o.Missed
	t.FaultsPlanned += o.FaultsPlanned
	t.FaultsFired += o.FaultsFired
	t.Events += o.Events
	t.Calls += o.Calls
	t.CellsLeftOut += o.CellsLeftOut
	t.NotKept += o.NotKept
}
