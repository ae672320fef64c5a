package history

import "slices"

// What a participant says of an answer that it gave from what it remembers, without
// looking into the request: the Detail of a call-answered event.
const (
	Replayed   = "replayed" // the answer that the key had before
	TooLate    = "the step was compensated; its action comes too late"
	KeyReused  = "the key was used for another request"
	InProgress = "a request with this key is being worked on"
	// Of services of the user's own: what a call names is not there, or was done before.
	NamesNothing = "it names an effect that is not there"
	DoneBefore   = "it was done before"
	// MoreThanTaken: a compensation would have given back more than was taken.
	MoreThanTaken = "it would give back more than was taken"
)

// FromMemory tells that the participant gave this answer before any rule of its
// business was asked.
func (e *Event) FromMemory() bool {
	return e.Kind == CallAnswered && slices.Contains([]string{Replayed, TooLate, KeyReused, InProgress, NamesNothing, DoneBefore, MoreThanTaken}, e.Detail)
}
