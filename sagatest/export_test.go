package sagatest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
)

// Stand says how long a plan may run.
func Stand(d time.Duration) { standing = d }

// Run runs a saga under one plan.
func Run(t *testing.T, s Saga, plan faults.Plan) (h *history.History, err error) {
	t.Helper()
	p, err := s.compile()
	if err != nil {
		t.Fatal(err)
	}
	p.steps = p.skeleton()
	synctest.Test(t, func(t *testing.T) { h, err = p.run(t, plan) })
	return h, err
}
