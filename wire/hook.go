package wire

import (
	"github.com/sagacheck/sagacheck/internal/striking"
	"github.com/sagacheck/sagacheck/participants"
)

// Hook is the participants' hook of this cell.
func (in *Injector) Hook(c participants.Call, m participants.Moment) *participants.Answer {
	if c.Copy > 0 {
		return in.strikes.RefuseCopy(c, m)
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
	for _, i := range in.strikes.On(c, m.Phase()) {
		e := in.Plan.Faults[i].Injection(0)
		if striking.Moment(e, m.Phase()) != m {
			continue
		}
		if e.Drifts != "" {
			in.drift(i, e, c)
			continue // it fires and heals when it changes something
		}
		in.strikes.Fire(i, c, "the participant held the attempt")
		if len(e.Acts) > 0 {
			in.operate(i, e, c.Op)
			continue // it heals by itself
		}
		in.strike(i, e, c.Op.Step)
		if e.Asked && e.Later > 0 {
			in.later(i, e, c.Op, func() { in.askRollback(i, c.Op.Saga) })
			continue // it heals by itself
		}
		if e.Asked {
			in.askRollback(i, c.Op.Saga)
		}
		if e.Waits > 0 {
			in.changePolicies(i, e.Waits)
		}
		if e.Redefined {
			in.redefine(i)
		}
		if e.Flag != "" {
			in.throwFlag(i, e)
			continue // it heals later
		}
		if !e.OnProcess() {
			in.strikes.Heal(i, c.Op)
		}
		if answer == nil {
			answer = striking.Given(e.Answer)
		}
	}
	return answer
}
