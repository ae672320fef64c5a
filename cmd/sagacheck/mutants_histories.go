package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers/mutation"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// sampleOfHistories is what is changed by default: enough for each operator and clause,
// and fit for CI.
var sampleOfHistories = mutation.Sampling{Histories: 25, Places: 2, Vary: 4}

// mutateHistories changes stored histories and tells which checkers notice.
func mutateHistories(c *cobra.Command, p process, folders []string, all bool) error {
	stored, err := results.FindStored(folders)
	if err != nil {
		return usage(fmt.Errorf("--histories: %w", err))
	}
	files := stored.Histories()
	fmt.Fprintf(p.stderr, "sagacheck: %d histories, %d operators, %d legal changes\n", len(files), len(mutation.Operators()), len(mutation.Variations()))
	src := mutation.Source{Len: len(files), Load: func(i int) (*history.History, error) { return history.Load(files[i]) }}
	sample := sampleOfHistories
	if all {
		sample = mutation.Sampling{}
	}
	m, err := mutation.Run(c.Context(), src, mutation.Operators(), mutation.Variations(), sample)
	if c.Context().Err() != nil {
		return &exitError{results.ExitInterrupted, errors.New("interrupted")}
	}
	if err != nil {
		return usage(err)
	}
	if err := reports.PrintMutation(reports.NewTerminal(p.stdout, p.getenv), m); err != nil {
		return trouble(err)
	}
	if len(m.Weak()) > 0 {
		return &exitError{code: results.ExitViolation}
	}
	return nil
}
