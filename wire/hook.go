package wire

import (
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// Hook is the participants' hook of this cell.
func (in *Injector) Hook(c participants.Call, m participants.Moment) *participants.Answer {
	if c.Copy > 0 {
		return in.refuseCopy(c, m)
	}
	if m == participants.Arrived {
		in.mu.Lock()
		answer := in.answers[c]
		delete(in.answers, c)
		in.mu.Unlock()
		if answer != nil {
			return answer()
		}
	}
	var answer *participants.Answer
	for _, i := range in.on(c, m.Phase()) {
		e := in.Plan.Faults[i].Injection(0)
		if moment(e, m.Phase()) != m {
			continue
		}
		if e.Drifts != "" {
			in.drift(i, e, c)
			continue // it fires and heals when it changes something
		}
		in.fire(i, c, "the participant held the attempt")
		if len(e.Acts) > 0 {
			in.operate(i, e, c.Op)
			continue // it heals by itself
		}
		in.strike(i, e, c.Op.Step)
		if e.Asked {
			in.askRollback(i, c.Op.Saga)
		}
		if e.Waits > 0 {
			in.changePolicies(i, e.Waits)
		}
		if e.Flag != "" {
			in.throwFlag(i, e)
			continue // it heals later
		}
		if !e.OnProcess() {
			in.healed(i, c.Op)
		}
		if answer == nil {
			answer = given(e.Answer)
		}
	}
	return answer
}

// refuseCopy answers a second copy of an attempt that the plan refuses for good:
// "nothing was done" must stay true, whichever of the two arrives first.
func (in *Injector) refuseCopy(c participants.Call, m participants.Moment) *participants.Answer {
	c.Copy = 0
	for _, i := range in.on(c, m.Phase()) {
		if e := in.Plan.Faults[i].Injection(0); e.Refuses() && moment(e, m.Phase()) == m {
			return given(e.Answer)
		}
	}
	return nil
}

// moment is when an injection shows inside the participant.
func moment(e faults.Injection, p saga.Phase) participants.Moment {
	switch {
	case e.Decides:
		return participants.Deciding
	case p == saga.Commit:
		return participants.Committed
	}
	return participants.Arrived
}

// given is an answer as the participants give it.
func given(a *faults.Answer) *participants.Answer {
	if a == nil {
		return nil
	}
	return &participants.Answer{
		Code: a.Code, Title: a.Title, Detail: a.Detail,
		RetryAfterS: a.RetryAfterS, RetryAfterDate: a.RetryAfterDate, Hangup: a.Hangup, Garble: a.Garble,
	}
}
