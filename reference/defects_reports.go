package reference

import "github.com/sagacheck/sagacheck/saga"

// reportDefects say of steps what is not so. What was done is right.
var reportDefects = []Defect{
	{
		Name: "counts-one-attempt", Anomaly: "false-status", Needs: "a transient error",
		Description: "status reports say one attempt of a step, however many were made",
	},
	{
		Name: "failed-for-ever", Anomaly: "false-status", Needs: "a transient error",
		Description: "a step that succeeded at a later attempt is reported as failed",
	},
}

// counted is how many attempts are reported.
func (d defects) counted(attempts int) int {
	if d.on("counts-one-attempt") {
		return min(attempts, 1)
	}
	return attempts
}

// remembered is what is reported of a step's state.
func (d defects) remembered(st saga.StepState, attempts int) saga.StepState {
	if d.on("failed-for-ever") && st == saga.StepSucceeded && attempts > 1 {
		return saga.StepFailed
	}
	return st
}
