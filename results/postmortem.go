package results

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Postmortem is what is known of one failure, for those who have to learn from it.
type Postmortem struct {
	File    string // the replay file
	Replay  *Replay
	Header  history.Header
	Doc     checkers.Doc    // of the property
	Clause  checkers.Clause // that was broken; zero: the property has none
	Witness checkers.Witness
	Also    []string // other properties that were broken in the cell
	Story   Story
	Ledger  []checkers.Entry
	Did     []Did
	Step    saga.Step // that the witness is about; zero: none in particular
}

// Did is how often an operation took effect, and what the effect was.
type Did struct {
	Operation saga.Operation
	Status    saga.Status // of its saga, at last
	Times     int
	Effects   []string // each only once
}

// NewPostmortem reads a replay file, and the history of its cell where the report of its run has it, which is
// judged once more.
func NewPostmortem(file string) (*Postmortem, error) {
	r, err := LoadReplay(file)
	if err != nil {
		return nil, err
	}
	path := historyOf(file, r)
	h, err := history.Load(path)
	if err != nil {
		return nil, fmt.Errorf("the history of what %s tells, which is kept in the folder of its run: %w", file, err)
	}
	p := &Postmortem{File: file, Replay: r, Header: h.Header}
	for _, v := range checkers.Judge(h, checkers.All()) {
		switch {
		case v.Outcome != checkers.Violation:
		case v.Property == r.Property:
			p.Witness = telling(v.Witnesses, r)
		default:
			p.Also = append(p.Also, v.Property)
		}
	}
	if p.Witness.Broken == "" {
		return nil, fmt.Errorf("%s: the history in %s does not show that %q was broken: expected those of one run, of this version of sagacheck", file, path, r.Property)
	}
	p.explain(h)
	return p, nil
}

// historyOf is where the history of a replay file is: its report says so, if that is there; a run that has not
// ended keeps it in its own folder.
func historyOf(file string, r *Replay) string {
	dir := filepath.Dir(filepath.Dir(file))
	if b, err := os.ReadFile(filepath.Join(dir, JSONFile)); err == nil {
		if run, err := decodeRun(b); err == nil {
			for _, f := range slices.Concat(run.Failures, run.Beside) {
				if filepath.Base(f.File) == filepath.Base(file) && f.Cell == r.Cell && f.History != "" {
					return PathIn(dir, f.History)
				}
			}
		}
	}
	return filepath.Join(dir, HistoriesDir, r.Cell+history.Extension)
}

// Failure is what it is about, as its report tells it.
func (p *Postmortem) Failure() Failure {
	r := p.Replay
	return Failure{
		Property: r.Property, Scenario: r.Scenario, Cell: r.Cell, Verdict: checkers.Violation, Clause: p.Witness.Clause, Broken: p.Witness.Broken,
		Also: p.Also, Saga: p.Witness.Saga, Step: p.Witness.Step, Events: p.Witness.Events,
		PlanID: p.Header.PlanID, Plan: PlanText(p.Header), Faults: len(p.Header.Faults), PlanFaults: p.Header.Faults, Story: p.Story, Ledger: p.Ledger, File: p.File, Replay: r,
	}
}

// telling is the witness that a replay file speaks of, or else the first.
func telling(ws []checkers.Witness, r *Replay) checkers.Witness {
	i := slices.IndexFunc(ws, func(w checkers.Witness) bool { return w.Broken == r.Broken })
	return ws[max(i, 0)]
}

func (p *Postmortem) explain(h *history.History) {
	for _, c := range checkers.All() {
		if d := c.Doc(); d.Name == p.Replay.Property {
			p.Doc = d
		}
	}
	for _, c := range p.Doc.Clauses {
		if c.Name == p.Witness.Clause {
			p.Clause = c
		}
	}
	if d, ok := h.Definition(p.Witness.Saga); ok {
		p.Step, _ = d.Step(StepName(p.Witness.Step))
	}
	p.Story = Tell(h, p.Witness)
	p.Ledger = checkers.Ledger(h, history.NewIndex(h))
	p.Did = done(h)
}

// done lists what took effect in a cell, in the order of its first times.
func done(h *history.History) []Did {
	ix := history.NewIndex(h)
	var all []Did
	for _, e := range h.Events {
		if e.Kind != history.CallCommitted || e.Effect == nil {
			continue
		}
		i := slices.IndexFunc(all, func(d Did) bool { return d.Operation == e.Operation() })
		if i < 0 {
			i = len(all)
			all = append(all, Did{Operation: e.Operation()})
			if s := ix.Saga(e.Saga); s != nil {
				all[i].Status = s.Status()
			}
		}
		all[i].Times++
		if text := strings.TrimSpace(e.Effect.String()); !slices.Contains(all[i].Effects, text) {
			all[i].Effects = append(all[i].Effects, text)
		}
	}
	return all
}
