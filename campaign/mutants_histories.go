package campaign

import (
	"context"
	"errors"
	"fmt"

	"github.com/sagacheck/sagacheck/checkers/mutation"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// sampleOfHistories is what is changed by default: enough for each operator and clause,
// and fit for CI.
var sampleOfHistories = mutation.Sampling{Histories: 25, Places: 2, Vary: 4}

// MutateHistories changes stored histories, a sample or all of those in folders of runs,
// and tells which checkers notice.
func MutateHistories(ctx context.Context, host Host, folders []string, all bool) (m mutation.Matrix, err error) {
	stored, err := results.FindStored(folders)
	if err != nil {
		return m, usage(fmt.Errorf("--histories: %w", err))
	}
	files := stored.Histories()
	host.say("%d histories, %d operators, %d legal changes", len(files), len(mutation.Operators()), len(mutation.Variations()))
	src := mutation.Source{Len: len(files), Load: func(i int) (*history.History, error) { return files[i].Load() }}
	sample := sampleOfHistories
	if all {
		sample = mutation.Sampling{}
	}
	m, err = mutation.Run(ctx, src, mutation.Operators(), mutation.Variations(), sample)
	if ctx.Err() != nil {
		return m, &Error{results.ExitInterrupted, errors.New("interrupted")}
	}
	return m, usage(err)
}
