package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Trait is something of a scenario without which an anomaly cannot show: the
// property is then not applicable, which is not the same as never at risk.
type Trait struct {
	Name string // "a pivot": what the scenario has to have
	has  func(definitions []saga.Definition) bool
}

// The traits that checkers want.
var (
	transfers     = Trait{"a transfer", anyEffect(func(e saga.Effect) bool { return len(e.Postings) > 0 })}
	compensations = Trait{"a compensation", anyStep(undoable)}
	pivots        = Trait{"a pivot", anyStep(ofKind(saga.Pivot))}
	deferrables   = Trait{"a deferrable step", anyStep(ofKind(saga.Deferrable))}
	breakers      = Trait{"a circuit breaker", anyStep(func(s saga.Step) bool { return s.Action.Breaker != nil })}
	orderedSteps  = Trait{"two steps in order", ordered(func(saga.Step) bool { return true })}
	orderedUndos  = Trait{"two compensations in order", ordered(undoable)}
	sharedWrites  = Trait{"a register that two sagas of a cell change", shareRegister}
	herds         = Trait{"8 sagas or more in a cell that repeat one call, with jitter", herd}
)

func ofKind(k saga.Kind) func(saga.Step) bool {
	return func(s saga.Step) bool { return s.Kind == k }
}

func undoable(s saga.Step) bool { return s.Compensation != nil }

func anyStep(is func(saga.Step) bool) func([]saga.Definition) bool {
	return func(ds []saga.Definition) bool {
		return slices.ContainsFunc(ds, func(d saga.Definition) bool { return slices.ContainsFunc(d.Steps, is) })
	}
}

// anyEffect: an effect that cannot be read counts, since it may be anything.
func anyEffect(is func(saga.Effect) bool) func([]saga.Definition) bool {
	return anyStep(func(s saga.Step) bool {
		e, err := s.Action.Effect()
		return err != nil || is(e)
	})
}

// ordered: two such steps, one of which comes after the other.
func ordered(is func(saga.Step) bool) func([]saga.Definition) bool {
	return func(ds []saga.Definition) bool {
		return slices.ContainsFunc(ds, func(d saga.Definition) bool {
			return anyStep(func(s saga.Step) bool {
				return is(s) && slices.ContainsFunc(d.Ancestors(s.Name), func(name string) bool {
					first, _ := d.Step(name)
					return is(first)
				})
			})([]saga.Definition{d})
		})
	}
}

func shareRegister(ds []saga.Definition) bool {
	owner := map[string]int{}
	for n, d := range ds {
		for _, s := range d.Steps {
			e, err := s.Action.Effect()
			if err != nil {
				return true
			}
			for _, w := range e.Writes {
				if first, known := owner[w.Register]; known && first != n {
					return true
				}
				owner[w.Register] = n
			}
		}
	}
	return false
}

func herd(ds []saga.Definition) bool {
	return len(ds) >= herdWaits && anyStep(func(s saga.Step) bool { return s.Action.Retry.Jitter > 0 && s.Action.Breaker == nil })(ds)
}
