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
		Name: "failed-for-ever", Anomaly: "false-status", Needs: "a transient error",
		Description: "a step that succeeded at a later attempt is reported as failed",
		lay:         failedForEver,
	},
}

func countsOneAttempt(r *reference.Rules) {
	was := r.Report
	r.Report = func(s *state) (saga.Report, bool) {
		report, known := was(s)
		for i := range report.Steps {
			report.Steps[i].Attempts = min(report.Steps[i].Attempts, 1)
		}
		return report, known
	}
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
