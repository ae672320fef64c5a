package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// mostKills is how often the process is killed in a merged plan: each is a restart.
const mostKills = 2

// merged gives a saga much to bear at once, each operation a fault of its own: on its way forward; on its way back from the
// last step that can be refused; and with the attempts of a step used up. Most mistakes show in one of these few plans; which
// fault it takes, shrinking tells. What is judged by waits can't be beside a kill, so each comes without kills too.
func (e *ending) merged() {
	for _, kills := range []int{0, mostKills} {
		e.heap(nil, saga.Action, kills)
		turned := false
		for _, s := range slices.Backward(e.d.Steps) {
			if s.Kind == saga.Deferrable || e.d.Fallbacks()[s.Name] != "" {
				continue
			}
			turned = turned || e.heap(append(e.killedBefore(s, kills), declined(point(s.Name, 1, saga.Receive))), saga.Compensation, kills)
			if turned && (kills > 0 || e.heap(e.mixed(s), saga.Compensation, kills)) {
				break
			}
		}
	}
}

// killedBefore is a kill on the way forward, at a step that will be undone: what was learnt by then must be known again.
func (e *ending) killedBefore(s saga.Step, kills int) []faults.Fault {
	before := e.d.Ancestors(s.Name)
	for _, o := range slices.Backward(e.d.Steps) {
		if kills > 0 && e.a.Process && e.sagas == 1 && o.Compensation != nil && o.Action.Retry.Most() != 1 && slices.Contains(before, o.Name) && alone(e.d, o.Name) {
			return []faults.Fault{killed(point(o.Name, 1, saga.Commit), o.Action.Retry)}
		}
	}
	return nil
}

// mixed are all attempts of an action, each failing in another way; none: they have no end.
func (e *ending) mixed(s saga.Step) (fs []faults.Fault) {
	ways := []func(n int) faults.Fault{
		func(n int) faults.Fault { return failed(point(s.Name, n, saga.Commit)) },
		func(n int) faults.Fault { return lost(point(s.Name, n, saga.Response)) },
		func(n int) faults.Fault { return unavailable(point(s.Name, n, saga.Receive)) },
		func(n int) faults.Fault { return lost(point(s.Name, n, saga.Request)) },
	}
	for n := 1; n <= s.Action.Retry.Most(); n++ {
		fs = append(fs, ways[(n-1)%len(ways)](n))
	}
	return fs
}

// heap adds a fault at each operation of a direction to others, as long as all are sure to fire and the saga ends without a
// person; false: no such plan was added.
func (e *ending) heap(fs []faults.Fault, direction saga.Direction, kills int) bool {
	n := len(e.d.Steps) // not all begin with the same one
	struck, left := 0, kills
	for _, f := range fs {
		if strikesProcess(f) {
			left--
		}
	}
	for _, s := range e.d.Steps {
		call, ok := e.d.Call(saga.StepRef{Step: s.Name, Direction: direction})
		if !ok || direction == saga.Action && call.Retry.Most() == 1 {
			continue
		}
		may := left > 0 && e.a.Process && e.sagas == 1 && alone(e.d, s.Name)
		for _, trouble := range e.troubles(saga.FailurePoint{Step: s.Name, Direction: direction, Attempt: 1}, call.Retry, may, n) {
			more := slices.Concat(fs, trouble)
			if p, ok := e.sure(more); ok && predict(e.d, p, 1).ends() {
				fs, struck, n = more, struck+1, n+1
				if may {
					left--
				}
				break
			}
		}
	}
	least := 1
	if direction == saga.Action {
		least = 2
	}
	return struck >= least && (kills == 0 || left < kills) && e.add(fs...)
}

// troubles are what may come to an attempt that is made again, each other one than the one before.
func (e *ending) troubles(at saga.FailurePoint, p saga.RetryPolicy, kill bool, n int) (all [][]faults.Fault) {
	in := func(phase saga.Phase) saga.FailurePoint { at.Phase = phase; return at }
	if kill {
		all = [][]faults.Fault{unsent(in(saga.Receive), p), {killed(in(saga.Response), p)}, {killed(in(saga.Receive), p)}}
	} else {
		all = [][]faults.Fault{{lost(in(saga.Response))}, {unavailable(in(saga.Receive))}, {failed(in(saga.Commit))}, {lost(in(saga.Request))}}
	}
	n %= len(all)
	return append(all[n:len(all):len(all)], all[:n]...)
}
