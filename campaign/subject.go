package campaign

import (
	"fmt"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// subject is what cells are made of: a scenario, or the user's own workflow.
type subject struct {
	Name   string
	Sagas  int // in a cell
	Source harness.Source
	// File is the digest of the file that says what its sagas do, where that is learnt from
	// runs: bodies and ids are other ones in each. Empty: what it makes is always the same.
	File string
}

func scenarioSubject(s *scenarios.Scenario) *subject {
	return &subject{Name: s.Name, Sagas: max(s.Sagas, 1), Source: s}
}

// blueprint is the definitions of its sagas without addresses, for planning.
func (s *subject) blueprint() []saga.Definition {
	defs, _ := s.build()
	return defs
}

func (s *subject) build() ([]saga.Definition, map[string]string) {
	var ids []string
	for n := range s.Sagas {
		ids = append(ids, fmt.Sprintf("s-%d", n+1))
	}
	return s.Source.Build(ids, func(int, saga.StepRef) string { return "http://127.0.0.1/" })
}

// digest is a short name of all that it makes of a cell.
func (s *subject) digest() string {
	defs, registers := s.build()
	if s.File != "" {
		return fingerprint([]any{s.File, s.Sagas, shapes(defs)})
	}
	return fingerprint(struct {
		Definitions []saga.Definition
		Registers   map[string]string
	}{defs, registers})
}

// shape is what a workflow's file and its runs say of a step.
type shape struct {
	Name   string
	Kind   saga.Kind
	After  []string
	Undone bool
}

func shapes(defs []saga.Definition) (all []shape) {
	for _, d := range defs {
		for _, s := range d.Steps {
			all = append(all, shape{s.Name, s.Kind, s.After, s.Compensation != nil})
		}
	}
	return all
}

// blueprint is that of a scenario.
func blueprint(s *scenarios.Scenario) []saga.Definition { return scenarioSubject(s).blueprint() }

// subjects are what the session's cells are made of: the scenarios, at the pace of the
// system under test, or the workflow as far as it is known.
func (x *session) subjects() []*subject {
	if x.flow != nil {
		return []*subject{x.flow.subject()}
	}
	var all []*subject
	for _, s := range x.scenarios {
		all = append(all, scenarioSubject(s))
	}
	return all
}
