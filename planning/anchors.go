package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// sharedAt tells whether a visit is a connection to an address that several operations share: it is closed behind an answer.
func (a Ability) sharedAt(v Visit) bool { return v.At.Phase == saga.Connect && a.Refusable != nil }

// variantsAt are those of a visit on this way. Where operations share an address, it is closed
// behind what came before: nothing but the attempt itself may be refused.
func (t Trace) variantsAt(v Visit, d saga.Definition, a Ability) []faults.Fault {
	fs := variantsAt(v, d, a)
	if !a.sharedAt(v) {
		return fs
	}
	after, known := t.before(v)
	if !known {
		return nil
	}
	for i := range fs {
		fs[i].After = after
	}
	return fs
}

// before is the answer behind which a connection is the next thing that the workflow does; the
// zero point: it is the first thing of all. Not known: something else is under way beside it,
// whose connection might be refused in its place.
func (t Trace) before(v Visit) (after saga.FailurePoint, known bool) {
	for _, o := range slices.Backward(t.Visits) {
		if o.Saga != v.Saga || o.Seq >= v.Seq || saga.Inbound(o.At.Step) { // it may go on before it answers
			continue
		}
		return o.At, o.At.Phase == saga.Response
	}
	return saga.FailurePoint{}, true
}

// surelyBehind tells whether a visit comes behind the answer of the attempt of this number whenever the plan of the journey
// runs: each attempt before that one came to nothing by a fault of the plan, or the journeys on which nothing struck the
// call came behind the same one, several of them. How many attempts there are until a window is over, or until a question is
// answered as somebody wishes, the clock decides. alike are the journeys of the same plan: each of them came to that answer.
func (j Journey) surelyBehind(v Visit, alike, journeys []Journey) bool {
	after, known := j.Trace.before(v)
	switch {
	case !known || after.IsZero():
		return true
	case !always(after, alike):
		return false
	case after.Attempt <= 1+j.struck(after):
		return true
	}
	if j.provoked(after) > 0 {
		return false
	}
	same := 0
	for _, o := range journeys {
		i := slices.IndexFunc(o.Trace.Visits, func(w Visit) bool { return w.Saga == v.Saga && w.At == v.At })
		if i < 0 || o.provoked(after) > 0 {
			continue
		}
		if other, known := o.Trace.before(o.Trace.Visits[i]); !known || other != after {
			return false
		}
		same++
	}
	return same > 1
}

// struck is how many attempts a call may have more by faults of the plan that strike at a point, one by each.
func (j Journey) struck(call saga.FailurePoint) (n int) {
	for _, f := range j.Plan.Faults {
		if !f.Window() && provokes(f, call) {
			n++
		}
	}
	return n
}

// provoked is how many faults of the plan may have a call attempted once more.
func (j Journey) provoked(call saga.FailurePoint) (n int) {
	for _, f := range j.Plan.Faults {
		if provokes(f, call) {
			n++
		}
	}
	return n
}

// provokes tells whether a fault may have a call attempted once more: it strikes an attempt before, the callback, the
// service, or the process.
func provokes(f faults.Fault, call saga.FailurePoint) bool {
	step, back := saga.CutCallback(f.At.Step)
	switch {
	case back && step == call.Step && f.At.Direction == call.Direction:
		return true
	case f.At.Ref() == call.Ref() && f.At.Attempt < call.Attempt:
		return true
	}
	return slices.Contains(f.Steps, call.Step) || f.Window() && len(f.Steps) == 0 || f.Injection(0).OnProcess()
}
