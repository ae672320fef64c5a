package tinyorch

import (
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Bugs are what a test breaks on purpose: one mistake each.
type Bugs struct {
	SkipUnknown  bool // a step whose outcome is unknown is not compensated
	FreshKey     bool // each attempt has a key of its own
	RetryRefused bool // a 422 is tried again
	// UndoAgain: so long after each compensation that succeeded comes another one,
	// under a key of its own.
	UndoAgain time.Duration

	RollBackAfterDoubt bool // a saga with an answer that was lost is rolled back, though all succeeded in the end
	RollBackAlways     bool // a saga is rolled back though all its steps succeeded, 300 ms between them
	DeferrableBlocks   bool // a deferrable step is waited for as any other, and reported as running
	DropDeferrable     bool // a deferrable step is given up for good after its attempts
	StartAfterTurn     bool // steps begin when those before them are done, also after the saga has turned
	StuckAtPivot       bool // a pivot whose attempts are used up is left to a person
	UndoUnknownPivot   bool // a pivot that can't be undone and whose attempts are used up is taken for failed
	RefusedUndoIsDone  bool // a compensation that was refused counts as done
	OneUndoTooMany     bool // a compensation is attempted once more than its policy allows
	NoBackoff          bool // attempts follow each other at once
	GiveUpAtOnce       bool // nothing is tried again
	DoubleWaits        bool // waits are twice as long as the policy says
	DeadlineNoUndo     bool // an action whose deadline is over fails the saga without undoing anything
	FloatNumbers       bool // bodies are read and written anew, their numbers as floats
	SecondSaga         bool // a start that is repeated makes a second saga, with keys of its own
	DeadlineFromStart  bool // deadlines count from when the saga was accepted
	ConflictIsNothing  bool // a step of which only 409 was heard is not compensated

	Misread Misreading
}

// Misreading is a status code that is taken for another answer.
type Misreading struct {
	Code  int
	As    saga.Answer
	Later bool // from the second attempt on only
	Undo  bool // of compensations only
}

// Times of the mistakes above.
const (
	pauseBetweenSteps = 300 * time.Millisecond
	afterTurn         = 200 * time.Millisecond // how long what is under way may take
)
