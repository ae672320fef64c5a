package wire

import (
	"errors"
	"fmt"
	"slices"
)

// Broken is what could not be carried out so far.
func (in *Injector) Broken() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.troubles()
}

// toldTroubles is how much trouble of one cell is told: the rest is of the same kind, as a rule.
const toldTroubles = 3

// troubles joins the trouble so far; under the lock.
func (in *Injector) troubles() error {
	if more := len(in.errs) - toldTroubles; more > 0 {
		return errors.Join(append(slices.Clone(in.errs[:toldTroubles]), fmt.Errorf("and %d more", more))...)
	}
	return errors.Join(in.errs...)
}

func (in *Injector) fail(i int, err error) {
	in.trouble(fmt.Errorf("fault %s: %w", in.Plan.Faults[i], err))
}

// Trouble notes trouble that somebody else had with a call of the cell.
func (in *Injector) Trouble(err error) { in.trouble(err) }

// trouble notes trouble of ours: the cell is no evidence of anything, whatever its
// history shows.
func (in *Injector) trouble(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !slices.ContainsFunc(in.errs, func(e error) bool { return e.Error() == err.Error() }) { // once is enough
		in.errs = append(in.errs, err)
	}
}
