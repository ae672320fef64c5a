package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Kills are the plans that kill the process of a workflow as soon as the client has heard that its saga was accepted, in the
// waits between attempts, once for a moment and once for long, and twice in one saga, the first time for long: on its way forward, and on its way back where it was seen to
// compensate. AtPoints kills once, at a call, and for a moment: who has lost his timers then, or recovers once only, or takes
// what was under way seconds ago for failed, passes. And once before what is refused: who forgets what he took up again
// does not undo it. And once where what was never heard of is undone: AtPoints kills at an undo on the first journey that
// has it, which mostly is one of a refusal. And once before the last attempt that is promised, with all those lost that follow. And
// when the saga has ended, done and undone: then it is asked for once more; and with a deferrable step that is still to be done.
//
// Where a kill strikes must have been seen to be reached: run runs plans that lead there, and tells where those led on
// which all went as planned. There are none where nothing may be killed.
func Kills(d saga.Definition, seen []Journey, a Ability, run func([]faults.Plan) []Journey) []faults.Plan {
	if !a.Process {
		return nil
	}
	back := mostUndone(seen)
	went := run(slices.Concat(firstKills(slices.Concat(calm(seen), back), a), firstUnheardUndo(back)))
	resumed := run(killsAtDone(calm(seen), back, a))
	again := run(secondUnheardUndo(went))
	tried := run(lostBehindKill(run(lastTryKilled(d, slices.Concat(seen, went)))))
	return slices.Concat(killsWhenAccepted(calm(seen)), killsInWaits(slices.Concat(seen, went, again)), killsInSilence(seen), killsBetweenPolls(d, seen), secondKills(went, a), refusedBehindKills(resumed, back), killsWhenGivenUp(seen, a), lostBehindKill(tried), killsWhenEnded(slices.Concat(calm(seen), back, putOff(d, seen))))
}

// moment is for how many milliseconds a process is away that is started again at once.
const moment = 5

// calm is the journey on which nothing strikes.
func calm(journeys []Journey) []Journey {
	i := slices.IndexFunc(journeys, func(j Journey) bool { return len(j.Plan.Faults) == 0 })
	if i < 0 {
		return nil
	}
	return journeys[i : i+1]
}

// refusal tells whether a fault is a rule of the business.
func refusal(f faults.Fault) bool { return decided(f.Injection(0)) }

// turned tells whether a journey is one of a refusal alone.
func (j Journey) turned() bool { return len(j.Plan.Faults) == 1 && refusal(j.Plan.Faults[0]) }

// onward are the faults of a journey behind the refusal by which it turned, if one did.
func (j Journey) onward() []faults.Fault {
	if fs := j.Plan.Faults; len(fs) > 0 && refusal(fs[0]) {
		return fs[1:]
	}
	return j.Plan.Faults
}

// and is a plan that does what that of a journey does, and more.
func (j Journey) and(more ...faults.Fault) faults.Plan {
	return faults.Plan{Faults: slices.Concat(j.Plan.Faults, more)}
}

// mostUndone is the journey on which a refusal had the most undone; none: nothing ever was.
func mostUndone(journeys []Journey) (best []Journey) {
	most := 0
	for _, j := range journeys {
		if n := len(j.undone()); j.turned() && n > most {
			best, most = []Journey{j}, n
		}
	}
	return best
}

// undone are the first attempts at undoing something that came to a participant: what had taken effect.
func (j Journey) undone() (undos []saga.FailurePoint) {
	for _, v := range j.Trace.Visits {
		if v.Saga == 0 && v.At.Direction == saga.Compensation && v.At.Attempt == 1 && v.At.Phase == saga.Receive && j.Trace.took(v.At.Step) {
			undos = append(undos, v.At)
		}
	}
	return undos
}

// firstKills are a kill at the first call behind what each journey does, on its way forward, or back if it has turned. The
// process is away for long.
func firstKills(journeys []Journey, a Ability) (plans []faults.Plan) {
	for _, j := range journeys {
		i := slices.IndexFunc(j.Trace.Visits, func(v Visit) bool {
			return mayKill(v, a) && v.Seq > j.Trace.Last && (v.At.Direction == saga.Compensation) == j.turned()
		})
		if i >= 0 {
			plans = append(plans, j.and(killedFor(j.Trace.Visits[i].At, longAway)))
		}
	}
	return plans
}

// secondKills are one kill more on journeys with one, at the last call that they came to.
func secondKills(journeys []Journey, a Ability) (plans []faults.Plan) {
	for _, j := range journeys {
		fs := j.onward()
		if len(fs) != 1 || !fs[0].Injection(0).Kills() {
			continue
		}
		last := -1
		for i, v := range j.Trace.Visits {
			later := mayKill(v, a) && v.Seq > j.Trace.Last && (v.At.Ref() != fs[0].At.Ref() || v.At.Attempt > fs[0].At.Attempt)
			if later && (last < 0 || v.At.Attempt == 1 || j.Trace.Visits[last].At.Attempt > 1) {
				last = i
			}
		}
		if last >= 0 {
			plans = append(plans, j.and(killedFor(j.Trace.Visits[last].At, moment)))
		}
	}
	return plans
}

// mayKill tells whether the process may be killed at a point of a call of the first saga.
func mayKill(v Visit, a Ability) bool {
	return v.Saga == 0 && !v.Read && !saga.Inbound(v.At.Step) && slices.ContainsFunc(placeable(v, a), func(k faults.KindDoc) bool {
		return faults.KindOf(faults.Fault{Kind: k.Name}).Injection(faults.Fault{At: v.At}, 0).Kills()
	})
}

// firstUnheardUndo are the plans that lose the answer to the first undo of a journey.
func firstUnheardUndo(journeys []Journey) (plans []faults.Plan) {
	for _, j := range journeys {
		at := j.undone()[0]
		at.Phase = saga.Response
		plans = append(plans, j.and(lost(at)))
	}
	return plans
}

// secondUnheardUndo are the plans that follow from journeys on which the answer to an undo was lost, and it was sent again:
// that is lost, too.
func secondUnheardUndo(journeys []Journey) (plans []faults.Plan) {
	for _, j := range journeys {
		if fs := j.onward(); len(fs) == 1 && unheard(fs[0]) && j.sentAgain() {
			at := fs[0].At
			at.Attempt++
			plans = append(plans, j.and(lost(at)))
		}
	}
	return plans
}

// sentAgain tells whether a call was sent once more after the attempts whose answers a journey loses, one after the other.
func (j Journey) sentAgain() bool {
	fs := j.onward()
	next := fs[0].At
	next.Attempt, next.Phase = len(fs)+1, saga.Connect
	return inARow(fs, unheard) && j.Trace.passed(next)
}

// killsInWaits are kills in the wait for the next attempt, where one was seen to come: after the second attempt at a call, so
// that the wait after the first one tells how long it may be, or after the only one that is followed by another. Of several
// instances of a step the first stands for all.
func killsInWaits(journeys []Journey) (plans []faults.Plan) {
	longest := map[saga.StepRef]Journey{}
	var calls []saga.StepRef
	for _, j := range journeys {
		fs := j.onward()
		if len(fs) == 0 || len(fs) > 2 || !j.sentAgain() {
			continue
		}
		call := fs[0].At.Ref()
		call.Step, _ = saga.CutInstance(call.Step)
		before, known := longest[call]
		if !known {
			calls = append(calls, call)
		}
		if !known || len(before.onward()) < len(fs) {
			longest[call] = j
		}
	}
	for _, call := range calls {
		j := longest[call]
		plans = append(plans, j.killedAfter(j.Plan.Faults[len(j.Plan.Faults)-1].At)...)
	}
	return plans
}

// killsInSilence are kills in the wait for a service that has taken a call and will never call back, though that ended on the
// journey.
func killsInSilence(journeys []Journey) (plans []faults.Plan) {
	known := map[saga.StepRef]bool{}
	for _, j := range journeys {
		fs := j.onward()
		if !inARow(fs, unheardBack) {
			continue
		}
		next, call := fs[0].At, fs[0].At
		next.Attempt = len(fs) + 1
		call.Step, _ = saga.CutCallback(call.Step)
		call.Attempt, call.Phase = 1, saga.Response
		if !j.Trace.passed(next) && j.Trace.passed(call) && !known[call.Ref()] {
			known[call.Ref()] = true
			plans = append(plans, j.killedAfter(call)...)
		}
	}
	return plans
}

// killsWhenAccepted are a kill behind the answer to the start: who answers before he has written the saga down has lost it.
func killsWhenAccepted(journeys []Journey) (plans []faults.Plan) {
	start := point(saga.SubmitStep, 1, saga.Response)
	for _, j := range journeys {
		if j.Trace.passed(start) {
			plans = append(plans, j.and(killedWaiting(start, moment)))
		}
	}
	return plans
}

// killsAtDone are a kill at each step that a refusal had undone, on the journey without one, when it was done and its caller
// does not know. Of several instances of a step the first stands for all.
func killsAtDone(calm, back []Journey, a Ability) (plans []faults.Plan) {
	known := map[string]bool{}
	for _, j := range calm {
		for _, undo := range undoneOn(back) {
			i := slices.IndexFunc(j.Trace.Visits, func(v Visit) bool {
				return mayKill(v, a) && v.At == point(undo.Step, 1, saga.Commit)
			})
			name, _ := saga.CutInstance(undo.Step)
			if i >= 0 && !known[name] {
				known[name] = true
				plans = append(plans, j.and(killedFor(j.Trace.Visits[i].At, moment)))
			}
		}
	}
	return plans
}

// undoneOn are the undos of journeys, in the order of the actions.
func undoneOn(journeys []Journey) (undos []saga.FailurePoint) {
	for _, j := range journeys {
		undos = append(undos, j.undone()...)
	}
	slices.Reverse(undos)
	return undos
}

// refusedBehindKills are the plans that follow from journeys on which the process was killed at a step and went on: what was
// refused on others, and had them undone, is refused on these.
func refusedBehindKills(killed, back []Journey) (plans []faults.Plan) {
	for _, j := range killed {
		for _, b := range back {
			no := b.Plan.Faults[0]
			passed := func(v Visit) bool { return v.Saga == 0 && v.Seq > j.Trace.Last && v.At == no.At }
			if slices.ContainsFunc(j.Trace.Visits, passed) {
				plans = append(plans, j.and(no))
			}
		}
	}
	return plans
}

// unheardBack tells whether a fault takes a callback away.
func unheardBack(f faults.Fault) bool {
	_, back := saga.CutCallback(f.At.Step)
	return back && f.At.Phase == saga.Request && f.Injection(0).Silent()
}

// killedAfter are what a journey does and a kill in the wait after an attempt, once for a moment and once for long.
func (j Journey) killedAfter(at saga.FailurePoint) (plans []faults.Plan) {
	for _, ms := range []int{moment, longAway} {
		plans = append(plans, j.and(killedWaiting(at, ms)))
	}
	return plans
}
