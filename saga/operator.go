package saga

// Act is what an operator may ask of one saga (docs/contract.md).
type Act string

// The acts. Each is asked for with a reason and by somebody, and is done once however
// often it is asked for under the same key.
const (
	ActRollback Act = "rollback" // what was done is undone
	ActRetry    Act = "retry"    // what waits for its next attempt makes it now
	ActPause    Act = "pause"    // no attempt begins any more
	ActResume   Act = "resume"   // it goes on
	ActSkip     Act = "skip"     // a deferred step is not done any more
	ActEnd      Act = "end"      // nothing begins ever again: a person has seen to the rest
)

// Acts lists them.
func Acts() []Act { return []Act{ActRollback, ActRetry, ActPause, ActResume, ActSkip, ActEnd} }
