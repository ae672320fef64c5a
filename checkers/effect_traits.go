package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/models"
	"github.com/sagacheck/sagacheck/saga"
)

// The traits that the clauses about effects and ends want.
var (
	undoablePostings = Trait{"a compensation of a booking", anyUndo(func(e saga.Effect) bool { return len(e.Postings) > 0 })}
	undoableWrites   = Trait{"a compensation of a register's change", anyUndo(func(e saga.Effect) bool { return len(e.Writes) > 0 })}
	registerWrites   = Trait{"a register", anyEffect(func(e saga.Effect) bool { return len(e.Writes) > 0 })}
	currencies       = Trait{"an account of money", anyEffect(inUnits(models.Currency))}
	pieces           = Trait{"a stock (an account in pieces)", anyEffect(inUnits(func(unit string) bool { return !models.Currency(unit) }))}
	openPivots       = Trait{"a pivot with a maximum of attempts and without a compensation", anyStep(openPivot)}
	mustSucceed      = Trait{"a compensation, or a step that must succeed after the pivot", anyStep(func(s saga.Step) bool { return undoable(s) || s.Kind == saga.Retriable })}
	manySagas        = Trait{"two sagas in a cell", func(ds []saga.Definition) bool { return len(ds) > 1 }}
	manySteps        = Trait{"two steps", func(ds []saga.Definition) bool {
		return slices.ContainsFunc(ds, func(d saga.Definition) bool { return len(d.Steps) > 1 })
	}}
)

// anyUndo: a step with a compensation whose effect is of some sort. One that can't
// be read counts, since it may be anything.
func anyUndo(is func(saga.Effect) bool) func([]saga.Definition) bool {
	return anyStep(func(s saga.Step) bool {
		if s.Compensation == nil {
			return false
		}
		e, err := s.Compensation.Effect()
		return err != nil || is(e)
	})
}

func inUnits(is func(unit string) bool) func(saga.Effect) bool {
	return func(e saga.Effect) bool {
		return slices.ContainsFunc(e.Postings, func(p saga.Posting) bool { return is(p.Unit) })
	}
}

// openPivot: what must be attempted beyond its policy until its outcome is known.
func openPivot(s saga.Step) bool {
	return s.Kind == saga.Pivot && s.Compensation == nil && s.Action.Retry.Most() > 0
}
