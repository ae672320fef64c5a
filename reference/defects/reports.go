package defects

import (
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// reportDefects say of steps what is not so. What was done is right.
var reportDefects = []Defect{
	{
		Name: "counts-one-attempt", Anomaly: "false-status", Needs: "a transient error",
		Description: "status reports say one attempt of a step, however many were made",
		lay:         countsOneAttempt,
	},
	{
		Name: "counts-retries-twice", Anomaly: "false-status", Needs: "a transient error",
		Description: "status reports count each further attempt of a step twice",
		lay:         countsRetriesTwice,
	},
	{
		Name: "failed-for-ever", Anomaly: "false-status", Needs: "a transient error",
		Description: "a step that succeeded at a later attempt is reported as failed",
		lay:         failedForEver,
	},
	{
		Name: "stuck-too-soon", Anomaly: "false-status", Needs: "a compensation that fails three times, and then succeeds",
		Description: "a saga is reported as stuck while a compensation that has failed twice is attempted again",
		lay:         stuckTooSoon,
	},
}

// miscounts: status reports say another number of attempts than were made.
func miscounts(r *reference.Rules, said func(attempts int) int) {
	was := r.Report
	r.Report = func(s *state) (saga.Report, bool) {
		report, known := was(s)
		for i := range report.Steps {
			report.Steps[i].Attempts = said(report.Steps[i].Attempts)
		}
		return report, known
	}
}

func countsOneAttempt(r *reference.Rules) {
	miscounts(r, func(attempts int) int { return min(attempts, 1) })
}

func countsRetriesTwice(r *reference.Rules) {
	miscounts(r, func(attempts int) int { return max(attempts, 2*attempts-1) })
}

func failedForEver(r *reference.Rules) {
	was := r.StepState
	r.StepState = func(s *state, step int) saga.StepState {
		if st := was(s, step); st != saga.StepSucceeded || s.Actions[step].Attempts < 2 {
			return st
		}
		return saga.StepFailed
	}
}

func stuckTooSoon(r *reference.Rules) {
	was := r.Status
	r.Status = func(s *state) saga.Status {
		for i := range s.Undos {
			if u := &s.Undos[i]; u.Attempts > 2 && !u.Done() {
				return saga.Stuck
			}
		}
		return was(s)
	}
}
