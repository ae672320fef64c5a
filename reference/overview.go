package reference

// overview is what is asked of all steps of a saga together.
type overview interface {
	// before and after a step changes.
	before(step int)
	after(step int)

	open() bool        // an attempt is under way
	failed() bool      // some step: see Rules.Failed
	failing() bool     // see Rules.Turned
	missing() bool     // some step is not satisfied
	left() bool        // on the way back: something is to be undone, or to be learnt
	undoLost() bool    // a compensation failed for good
	pivotDone() bool   // some pivot
	pivotUnsure() bool // it may still turn out to have succeeded

	candidates() []Ref // the operations that may be wanted
	satisfiedBefore(step int) bool
	undoneAfter(step int) bool
	passed(barrier int) bool // all before it is satisfied
}

// newOverview counts where the rules are the default ones. Others may look at every step,
// so every step is looked at.
func newOverview(s *State) overview {
	if s.rules == rules {
		return newTally(s)
	}
	return &scan{s: s}
}
