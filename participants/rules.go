package participants

import "github.com/sagacheck/sagacheck/saga"

// Rules are what participants decide by. They are broken on purpose by laying other
// functions over these: see participants/defects.
type Rules struct {
	// Laid names the planted defects that are laid over them, for the record.
	Laid []string

	// Protects: keys, tombstones and actions that never happened are minded for a call.
	Protects func(p Profile, op saga.Operation) bool
	// LooksDone: a call is taken for one that is done already, before its key is looked
	// at. Same tells whether one with its very body was answered, under whatever key.
	LooksDone func(op saga.Operation, same func() bool) bool
	// Tombstones: a compensation leaves one, and its action comes too late from then on.
	Tombstones func(p Profile) bool
	// Undoes: a compensation has its effect. Happened: its action has had its own.
	Undoes func(happened bool) bool
	// Compares: a write is refused where the register has another value than it expects.
	Compares func(p Profile) bool
	// Books is what is booked of a posting.
	Books func(op saga.Operation, p saga.Posting) saga.Posting
}

// DefaultRules are the right ones.
func DefaultRules() *Rules {
	return &Rules{
		Protects:   func(p Profile, _ saga.Operation) bool { return p != Naive },
		LooksDone:  func(saga.Operation, func() bool) bool { return false },
		Tombstones: func(p Profile) bool { return p == Fenced },
		Undoes:     func(happened bool) bool { return happened },
		Compares:   func(p Profile) bool { return p == Fenced },
		Books:      func(_ saga.Operation, p saga.Posting) saga.Posting { return p },
	}
}
