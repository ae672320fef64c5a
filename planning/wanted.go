package planning

import (
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// What plans want to happen, each once. The catalogue knows which kind of fault does it.

// to gives a fault to one saga of the cell.
func to(number int, f faults.Fault) faults.Fault {
	f.Saga = number
	return f
}

// lost: the request or the answer disappears in silence.
func lost(at saga.FailurePoint) faults.Fault {
	return faults.Doing(faults.Fault{At: at}, faults.Injection.Silent)
}

// broken: the connection breaks.
func broken(at saga.FailurePoint) faults.Fault {
	return faults.Doing(faults.Fault{At: at}, faults.Bent(faults.Reset))
}

// late: the request or the answer comes so many milliseconds later.
func late(at saga.FailurePoint, ms int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, DelayMS: ms}, faults.Bent(faults.Late))
}

// copied: a second copy of the request comes so many milliseconds later.
func copied(at saga.FailurePoint, ms int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, DelayMS: ms}, func(e faults.Injection) bool { return e.Copied })
}

// declined: a rule of the business refuses for good.
func declined(at saga.FailurePoint) faults.Fault {
	return faults.Doing(faults.Fault{At: at}, decided)
}

// decided tells whether what is answered is a rule of the business.
func decided(e faults.Injection) bool { return e.Decides }

// failed: the attempt was done, or not, and its answer is 500.
func failed(at saga.FailurePoint) faults.Fault {
	return faults.Doing(faults.Fault{At: at}, faults.Answers(http.StatusInternalServerError))
}

// unavailable: nothing is done, and the answer is 503.
func unavailable(at saga.FailurePoint) faults.Fault {
	return faults.Doing(faults.Fault{At: at}, faults.Answers(http.StatusServiceUnavailable))
}

// throttled: nothing is done, and the answer asks for so many seconds.
func throttled(at saga.FailurePoint, seconds int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, RetryAfterS: seconds}, faults.Answers(http.StatusTooManyRequests))
}

// answered: that code is the answer, whatever was done.
func answered(at saga.FailurePoint, code int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, Code: code}, faults.Answers(code))
}

// unreadable: the call is done, and the answer is a page that says nothing.
func unreadable(at saga.FailurePoint) faults.Fault {
	return faults.Doing(faults.Fault{At: at}, saysNothing)
}

// saysNothing tells whether the answer is a page.
func saysNothing(e faults.Injection) bool { return faults.Garbles(garble.Page)(e) }

// killed: the orchestrator is killed, and started again at once.
func killed(at saga.FailurePoint, p saga.RetryPolicy) faults.Fault {
	return faults.UsuallyDoing(faults.Fault{At: at}, p, faults.Injection.Kills)
}

// killedFor: the orchestrator is killed, and started again after so many milliseconds.
func killedFor(at saga.FailurePoint, ms int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, DelayMS: ms}, faults.Injection.Kills)
}

// killedWaiting: the orchestrator is killed when the attempt has ended, in the wait for the next one, and started again after
// so many milliseconds.
func killedWaiting(at saga.FailurePoint, ms int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, As: faults.Waiting, DelayMS: ms}, func(e faults.Injection) bool { return e.Kills() && e.InWait && !e.AtEnd })
}

// killedAtEnd: the orchestrator is killed when the client has heard that the saga has ended, and started again at once.
func killedAtEnd() faults.Fault {
	start := point(saga.SubmitStep, 1, saga.Response)
	return faults.Doing(faults.Fault{At: start, As: faults.WhenEnded, DelayMS: moment}, func(e faults.Injection) bool { return e.Kills() && e.AtEnd })
}

// askedBack: an operator asks for the saga's rollback.
func askedBack(at saga.FailurePoint) faults.Fault {
	return faults.Doing(faults.Fault{At: at}, func(e faults.Injection) bool { return e.Asked })
}

// askedBackLater: an operator asks for the saga's rollback so many milliseconds later.
func askedBackLater(at saga.FailurePoint, ms int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, DelayMS: ms}, func(e faults.Injection) bool { return e.Asked && e.Later > 0 })
}

// waiting: from there on the policies say that wait, in milliseconds, before each retry.
func waiting(at saga.FailurePoint, ms int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, DelayMS: ms}, func(e faults.Injection) bool { return e.Waits > 0 })
}

// flagged: a flag is on for so many milliseconds, about steps if it is about some.
func flagged(at saga.FailurePoint, flag string, ms int, steps ...string) faults.Fault {
	return faults.Doing(faults.Fault{At: at, As: flag, DelayMS: ms, Steps: steps}, func(e faults.Injection) bool { return e.Flag != "" })
}

// drifted: what an action did is changed behind everybody's back, so many milliseconds later.
func drifted(at saga.FailurePoint, how string, ms int) faults.Fault {
	return faults.Doing(faults.Fault{At: at, As: how, DelayMS: ms}, func(e faults.Injection) bool { return e.Drifts != "" })
}

// redefined: a saga of the next version of the definition is submitted.
func redefined(at saga.FailurePoint) faults.Fault {
	return faults.Doing(faults.Fault{At: at}, func(e faults.Injection) bool { return e.Redefined })
}

// away: a step's connections break for so many milliseconds.
func away(step string, ms int) faults.Fault {
	return faults.Doing(faults.Fault{Steps: []string{step}, ForMS: ms}, func(e faults.Injection) bool { return e.Cut })
}

// failing: the first calls of a step in so many milliseconds are answered with 500.
func failing(step string, ms, calls int) faults.Fault {
	f := faults.Fault{Steps: []string{step}, ForMS: ms, Calls: slices.Repeat([]bool{true}, calls)}
	return faults.Doing(f, faults.Answers(http.StatusInternalServerError))
}

// processAway: the orchestrator is killed after a time, and started again after another, in
// milliseconds.
func processAway(from, lasts int) faults.Fault {
	return faults.Doing(faults.Fault{FromMS: from, ForMS: lasts}, faults.Injection.Kills)
}
