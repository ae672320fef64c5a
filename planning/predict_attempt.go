package planning

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// attempt follows one attempt through its phases: which faults fire, which
// points are reached, and what the orchestrator learns.
func (pr *prediction) attempt(r saga.StepRef, n, timeoutMS int) saga.Answer {
	walk := &attemptWalk{pr: pr, ref: r, n: n, timeout: timeoutMS, answer: saga.Done}
	defer func() {
		walk.waits()
		pr.clock.spend(walk.least, walk.lasts)
	}()
	walk.reach(saga.Connect)
	walk.reach(saga.Request)
	if walk.lost {
		return saga.Transient
	}
	if r.Step != saga.SubmitStep {
		if !walk.reach(saga.Receive) && !pr.effects[r] && pr.changes(r) {
			pr.effects[r] = true
			if !pr.unsure[r.Step] {
				walk.reach(saga.Commit)
			}
		}
	}
	if !walk.hungUp {
		walk.reach(saga.Response)
	}
	return walk.answer
}

// lateMargin, in ms, is how much earlier than a late request the next attempt must
// come for sure.
const lateMargin = 50

// mayReplay tells whether a participant that remembers keys may have done an
// operation before attempt n: it then replays its answer, and no rule of its
// business is asked.
func (pr *prediction) mayReplay(r saga.StepRef, n int) bool {
	if pr.effects[r] {
		return true
	}
	late, ok := pr.late[r]
	if !ok {
		return false
	}
	p := policyOf(pr.def, r.At(0, ""))
	_, wait := p.Band(n)
	return n != late.attempt+1 || p.AttemptTimeoutMS+int(wait.Milliseconds())+lateMargin > late.afterMS
}

// changes: a compensation whose action had no effect changes nothing.
func (pr *prediction) changes(r saga.StepRef) bool {
	return r.Direction == saga.Action || pr.effects[saga.StepRef{Step: r.Step, Direction: saga.Action}]
}

// attemptWalk is one attempt on its way.
type attemptWalk struct {
	pr      *prediction
	ref     saga.StepRef
	n       int
	timeout int
	answer  saga.Answer
	phase   saga.Phase    // reached
	least   time.Duration // how long it lasts, at the least and at the most
	lasts   time.Duration
	wait    int  // in ms, that its answer asks for
	unheard bool // the answer does not come
	halves  bool // of the answer the status comes: it may be heard, or not
	lost    bool // the request does not arrive
	hungUp  bool // no answer leaves
}

// reach passes a phase; true means that the participant answered in place of
// going on.
func (w *attemptWalk) reach(p saga.Phase) (answered bool) {
	at := w.ref.At(w.n, p)
	if p != saga.Connect || w.pr.def.Round < 2 { // the addresses are those of the first round, and nobody says yet in which a call is made
		w.pr.points = append(w.pr.points, at)
	}
	w.phase = p
	for i, f := range w.pr.plan.Faults {
		if max(f.Saga, 1) != w.pr.saga || f.At != at || f.Injection(0).Decides && w.pr.mayReplay(w.ref, w.n) {
			continue
		}
		w.pr.fired[i] = true
		if w.strike(f) {
			answered = true
		}
	}
	return answered
}

// strike is what the orchestrator sees of a fault, and the participant.
func (w *attemptWalk) strike(f faults.Fault) (answered bool) {
	e := f.Injection(0)
	for _, b := range e.Bends {
		w.bent(b)
	}
	switch {
	case len(e.Acts) > 0:
		w.operated(e)
	case e.InWait: // what is under way then is not known
		w.pr.doubtful = true
	case e.Victim == faults.ProcessKilled:
		w.answer, w.pr.clock.killed = saga.Transient, true
		w.takes(restartTakes)
	case e.Victim == faults.ProcessPaused:
		w.takes(f.DelayMS)
		if f.DelayMS >= w.timeout {
			w.fails()
		}
	case e.Victim == faults.ServiceDown:
		w.fails()
		w.takes(f.DelayMS)
		w.hungUp = true
		return f.At.Phase == saga.Receive
	case e.Asked && e.Later > 0:
		w.pr.doubtful = true
	case e.Asked:
		w.asked()
	case e.Answer != nil:
		return w.told(e.Answer, f.At.Phase)
	}
	return false
}

// bent: the request or the answer does not come, or not in time.
func (w *attemptWalk) bent(b faults.Bend) {
	switch b.How {
	case faults.Swallowed, faults.Reset, faults.Ended:
		if b.SaysStatus() {
			w.halved(b)
			return
		}
		w.fails()
		w.lost = w.lost || !b.Answer
		w.unheard = w.unheard || b.Answer
		if b.How == faults.Swallowed {
			w.timesOut()
		}
	case faults.Late:
		w.comesLate(b)
	case faults.BrokenOff, faults.Stalled:
		w.halved(b)
	case faults.Trickling:
	}
}

// halved: the status of the answer comes, and not all of the rest. It may be taken for what it
// says, or for none: a success, if there is another attempt, is one either way.
func (w *attemptWalk) halved(b faults.Bend) {
	w.halves = true
	if b.How == faults.Stalled {
		w.timesOut()
	}
	p := policyOf(w.pr.def, w.ref.At(0, ""))
	another := p.DeadlineMS == 0 && (p.Most() == 0 || w.n < p.Most())
	if w.answer == saga.Permanent || w.answer == saga.Done && !another {
		w.pr.doubtful = true
	}
}

// fails: the attempt came to nothing, as far as the orchestrator can know.
func (w *attemptWalk) fails() {
	if w.answer != saga.Permanent || w.phase == saga.Response { // a refusal that is lost is none
		w.answer = saga.Transient
	}
}

// takes notes that an attempt lasts at least so long.
func (w *attemptWalk) takes(ms int) {
	w.least = max(w.least, time.Duration(ms)*time.Millisecond)
	w.lasts = max(w.lasts, w.least)
}

// waits notes the wait that the answer asks for, if it was heard.
func (w *attemptWalk) waits() {
	switch {
	case w.unheard:
	case w.halves:
		w.lasts = max(w.lasts, time.Duration(w.wait)*time.Millisecond)
	default:
		w.takes(w.wait)
	}
}

// timesOut notes that it lasts until its time-out, which may follow what was observed.
func (w *attemptWalk) timesOut() {
	least := w.timeout
	if a := policyOf(w.pr.def, w.ref.At(0, "")).Adaptive; !a.IsZero() {
		least = a.MinTimeoutMS
	}
	w.takes(least)
	w.lasts = max(w.lasts, time.Duration(w.timeout)*time.Millisecond)
}

// comesLate: a message is late, within the attempt's time-out or past it.
func (w *attemptWalk) comesLate(b faults.Bend) {
	if b.N < w.timeout {
		w.takes(b.N)
		return
	}
	w.timesOut()
	w.fails()
	// What a late request still does happens beside the next attempts.
	w.lost = w.lost || !b.Answer
	w.unheard = w.unheard || b.Answer
	w.pr.unsure[w.ref.Step] = true
	if !b.Answer {
		w.pr.late[w.ref] = lateRequest{w.n, b.N}
	}
}

// told: another answer than the participant's own comes back.
func (w *attemptWalk) told(a *faults.Answer, at saga.Phase) (answered bool) {
	switch saga.Classify(a.Code) {
	case saga.Transient:
		w.fails()
		w.wait = max(w.wait, 1000*a.RetryAfterS)
	case saga.Permanent:
		w.answer = saga.Permanent
	case saga.Done:
	}
	return at == saga.Receive
}

// operated: operators ask for something. A rollback is one, whoever asks; what is asked for
// later, or leaves the saga or a step to a person, makes its end unsure.
func (w *attemptWalk) operated(e faults.Injection) {
	step, _ := w.pr.def.Step(w.ref.Step)
	switch {
	case e.Later > 0, slices.Contains(e.Acts, saga.ActEnd), slices.Contains(e.Acts, saga.ActSkip) && step.Kind == saga.Deferrable:
		w.pr.doubtful = true
	case e.Rolls():
		w.asked()
	}
	if e.Victim == faults.ProcessKilled {
		w.answer, w.pr.clock.killed = saga.Transient, true
		w.takes(restartTakes)
	}
}

// asked: an operator asks for the rollback. Past the pivot the answer is no, and
// nothing changes; beside it, on the way back, or when all critical steps may be
// done, it is a race. A step that gives way is undone on the way forward.
func (w *attemptWalk) asked() {
	step, _ := w.pr.def.Step(w.ref.Step)
	switch {
	case w.pr.pivoted && slices.ContainsFunc(w.pr.def.Ancestors(step.Name), w.pr.isPivot):
	case w.pr.pivoted, w.ref.Direction == saga.Compensation && w.pr.steps[step.Name] != gaveWay, step.Kind == saga.Pivot, step.Kind == saga.Deferrable:
		w.pr.doubtful = true
	default:
		w.pr.asked = true
	}
}
