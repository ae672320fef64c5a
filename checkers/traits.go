package checkers

import (
	"fmt"
	"maps"
	"slices"
	"time"

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
	readBacks     = Trait{"a step that can be read back", anyStep(func(s saga.Step) bool { return s.ReadBack != "" })}
	breakers      = Trait{"a circuit breaker", anyStep(func(s saga.Step) bool { return s.Action.Breaker != nil })}
	orderedSteps  = Trait{"two steps in order", ordered(func(saga.Step) bool { return true })}
	orderedUndos  = Trait{"two compensations in order", ordered(undoable)}
	sharedWrites  = Trait{"a register that two sagas of a cell change", shareRegister}
	forkedUndos   = Trait{"two compensations behind one and the same", anyDefinition(func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool { return undoable(s) && len(undoableAfter(d, s.Name)) > 1 })
	})}
	joins = Trait{"a step behind two others", anyDefinition(func(d saga.Definition) bool {
		before := mustPrecede(d)
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool { return len(before[s.Name]) > 1 })
	})}
	stepsBehindDeferrables = Trait{"a step behind a deferrable one", anyDefinition(func(d saga.Definition) bool {
		before := mustPrecede(d)
		for i, s := range d.Steps {
			for _, name := range before[s.Name] {
				if !slices.Contains(d.Predecessors(i), name) {
					return true
				}
			}
		}
		return false
	})}
	successors = Trait{"a step behind one other", anyDefinition(func(d saga.Definition) bool {
		before := mustPrecede(d)
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool { return len(before[s.Name]) == 1 })
	})}
	chainedUndos = Trait{"two compensations in order without a third beside", anyDefinition(func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool {
			return undoable(s) && slices.ContainsFunc(d.Ancestors(s.Name), func(name string) bool {
				first, _ := d.Step(name)
				return undoable(first) && len(undoableAfter(d, name)) <= 1
			})
		})
	})}
	sparedUndos = Trait{"a compensation of a step that may never be attempted", anyDefinition(func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool {
			return undoable(s) && slices.ContainsFunc(d.Steps, func(other saga.Step) bool {
				return other.Kind != saga.Deferrable && slices.Contains(mustPrecede(d)[s.Name], other.Name)
			})
		})
	})}
	stepsBehindPivots = Trait{"a step behind a pivot", anyDefinition(func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool {
			return slices.ContainsFunc(d.Ancestors(s.Name), func(name string) bool {
				step, _ := d.Step(name)
				return step.Kind == saga.Pivot
			})
		})
	})}
	retriables      = Trait{"a retriable step", anyStep(ofKind(saga.Retriable))}
	finalPivots     = Trait{"a pivot without a compensation", anyStep(func(s saga.Step) bool { return s.Kind == saga.Pivot && !undoable(s) })}
	boundedActions  = Trait{"an action with a maximum of attempts", anyStep(func(s saga.Step) bool { return bounded(s.Action) && !s.Unbounded() })}
	boundedUndos    = Trait{"a compensation with a maximum of attempts", anyStep(func(s saga.Step) bool { return undoable(s) && bounded(*s.Compensation) })}
	repeatedActions = Trait{"an action that may be attempted more than once", anyStep(func(s saga.Step) bool { return repeated(s.Action) && !s.Unbounded() })}
	timedActions    = Trait{"an action with a time-out that may be attempted more than once", anyStep(func(s saga.Step) bool {
		return repeated(s.Action) && !s.Unbounded() && s.Action.Retry.AttemptTimeout() > 0
	})}
	repeatedUndos  = Trait{"a compensation that may be attempted more than once", anyStep(func(s saga.Step) bool { return undoable(s) && repeated(*s.Compensation) })}
	waitingActions = Trait{"a wait before a further attempt of an action", anyStep(func(s saga.Step) bool { return waits(s.Action) && !s.Unbounded() })}
	waitingUndos   = Trait{"a wait before a further attempt of a compensation", anyStep(func(s saga.Step) bool { return undoable(s) && waits(*s.Compensation) })}
	freeWaits      = Trait{"a call that may be attempted more than once, behind no breaker and no retry budget", func(ds []saga.Definition) bool {
		for c := range calls(ds) {
			if repeated(c) && !heldBack(c) {
				return true
			}
		}
		return false
	}}
	longWaits = Trait{fmt.Sprintf("%d waits of 100 ms or more that its policies allow in a cell", manyWaits), func(ds []saga.Definition) bool {
		n := 0
		for _, d := range ds {
			for _, s := range d.Steps {
				if !s.Unbounded() {
					n += waitsLong(&s.Action)
				}
				n += waitsLong(s.Compensation)
			}
		}
		return n >= manyWaits
	}}
	watchedBreakers = Trait{fmt.Sprintf("%d sagas in a cell with a circuit breaker, and right before it a call whose retries outlast its open time", saga.WatchSagas), func(ds []saga.Definition) bool {
		if len(ds) < saga.WatchSagas {
			return false
		}
		_, ok := ds[0].WatchBreaker()
		return ok
	}}
	sharedBreakers = Trait{"a circuit breaker that two calls of a cell share", shareBreaker}
	retryBudgets   = Trait{"a retry budget that two calls of a cell share", shareRetryBudget}
	adaptives      = Trait{"a policy that adapts", anyStep(func(s saga.Step) bool { return !s.Action.Retry.Adaptive.IsZero() })}
	adaptiveWaits  = Trait{"a wait before a second attempt that adapts", anyStep(func(s saga.Step) bool {
		lo, _ := s.Action.Retry.Band(2)
		return !s.Action.Retry.Adaptive.IsZero() && s.Action.Retry.Most() != 1 && lo > 2*timerTolerance
	})}
	spentAttempts = Trait{"a budget of attempts over all actions", anyDefinition(func(d saga.Definition) bool { return d.Budget.Attempts > 0 })}
	spentTime     = Trait{"a budget of time over all actions", anyDefinition(func(d saga.Definition) bool { return d.Budget.TimeMS > 0 })}
	// A participant asks for a second at least (RFC 9110, 10.2.3); as much again is for the calls.
	roomToWait = Trait{"room for a wait of a second in the budget of time", anyDefinition(func(d saga.Definition) bool {
		return d.Budget.TimeMS == 0 || d.Budget.TimeMS > 2000
	})}
	deadlines = Trait{"a deadline", anyStep(func(s saga.Step) bool {
		return s.Action.Retry.DeadlineMS > 0 && !s.Unbounded() || undoable(s) && s.Compensation.Retry.DeadlineMS > 0
	})}
	herds = Trait{"8 sagas or more in a cell that repeat one call, with jitter", herd}
)

func anyDefinition(is func(saga.Definition) bool) func([]saga.Definition) bool {
	return func(ds []saga.Definition) bool { return slices.ContainsFunc(ds, is) }
}

func ofKind(k saga.Kind) func(saga.Step) bool {
	return func(s saga.Step) bool { return s.Kind == k }
}

func bounded(c saga.Call) bool { return c.Retry.Most() > 0 }

func repeated(c saga.Call) bool { return c.Retry.Most() != 1 }

// waits tells whether some wait of the call's policy is long enough to be measured.
func waits(c saga.Call) bool {
	n := c.Retry.Most()
	if n == 0 {
		n = 100
	}
	lo, _ := c.Retry.Band(n)
	return n > 1 && lo > 2*timerTolerance
}

// manyWaits is how many waits it takes that waits twice as long would show on a busy
// machine, see BackoffViolation.
const manyWaits = 24

// aLongWait is what each of them may take, at the least.
const aLongWait = 100 * time.Millisecond

// waitsLong counts the long waits of a call.
func waitsLong(c *saga.Call) (n int) {
	if c == nil || heldBack(*c) {
		return 0
	}
	most := c.Retry.Most()
	if most == 0 {
		most = 2 * manyWaits
	}
	for i := 2; i <= most; i++ {
		if _, hi := c.Retry.Band(i); hi >= aLongWait {
			n++
		}
	}
	return n
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

func shareBreaker(ds []saga.Definition) bool {
	n := map[string]int{}
	for c := range calls(ds) {
		if c.Breaker != nil {
			n[c.Breaker.Name]++
		}
	}
	return slices.Max(append(slices.Collect(maps.Values(n)), 0)) > 1
}

func shareRetryBudget(ds []saga.Definition) bool {
	n := map[string]int{}
	for c := range calls(ds) {
		if c.RetryBudget != nil {
			n[c.RetryBudget.Name]++
		}
	}
	return slices.Max(append(slices.Collect(maps.Values(n)), 0)) > 1
}

// calls yields all calls of some definitions.
func calls(ds []saga.Definition) func(func(saga.Call) bool) {
	return func(yield func(saga.Call) bool) {
		for _, d := range ds {
			for _, s := range d.Steps {
				if !yield(s.Action) || s.Compensation != nil && !yield(*s.Compensation) {
					return
				}
			}
		}
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
	return len(ds) >= herdWaits && anyStep(func(s saga.Step) bool {
		return s.Action.Retry.Jitter > 0 && !heldBack(s.Action) && s.Action.Retry.Adaptive.IsZero()
	})(ds)
}
