package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers/mutation"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
)

// placesEach bounds how many mutants one operator makes of one history.
const placesEach = 3

// mutateHistories changes stored histories and tells which checkers notice.
func mutateHistories(c *cobra.Command, p process, folders []string) error {
	files, err := historyFiles(folders)
	if err != nil {
		return usage(fmt.Errorf("--histories: %w", err))
	}
	fmt.Fprintf(p.stderr, "sagacheck: %d histories, %d operators\n", len(files), len(mutation.Operators()))
	load := func(yield func(*history.History, error) bool) {
		for _, f := range files {
			if h, err := history.Load(f); !yield(h, err) {
				return
			}
		}
	}
	m, err := mutation.Run(c.Context(), load, mutation.Operators(), placesEach)
	if c.Context().Err() != nil {
		return &exitError{reports.ExitInterrupted, errors.New("interrupted")}
	}
	if err != nil {
		return usage(err)
	}
	for turned, err := range mutation.Turned(load, mutation.Variations()) {
		if err != nil {
			return usage(err)
		}
		m.Turned = append(m.Turned, turned)
	}
	if err := reports.PrintMutation(reports.NewTerminal(p.stdout, p.getenv), m); err != nil {
		return trouble(err)
	}
	if len(m.Weak()) > 0 {
		return &exitError{code: reports.ExitViolation}
	}
	return nil
}
