// Package scenarios is the catalogue: one YAML file a scenario, the strict loader
// for these and for users' own files, and the random generator of definitions.
//
// A Scenario says which sagas run in a cell: their steps, the effects of the
// steps on the participants' ledgers, and the retry policies. It knows no
// addresses and no faults; Build turns it into the definitions that are
// submitted, once the harness has an address for each direction of each step.
// The format is described in docs/scenario-format.md, the catalogue in the
// generated docs/scenarios.md.
//
// Goals: pleasant to write by hand; every mistake is found before anything runs,
// with its file, line, column, field and what was expected. Non-goals: fault
// plans (package faults), running anything (package harness).
package scenarios
