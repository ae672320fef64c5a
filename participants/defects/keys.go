package defects

import (
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

var noDedupe = Defect{
	Name: "no-dedupe", Anomaly: "duplicate-effect", Profile: participants.Fenced,
	Description: "an action is applied each time it arrives, whatever its key",
	Source:      "the idempotency key was stored in another transaction than the effect",
	lay: func(r *participants.Rules) {
		was := r.Protects
		r.Protects = func(p participants.Profile, op saga.Operation) bool {
			return op.Direction == saga.Compensation && was(p, op)
		}
	},
}

var dedupeByBody = Defect{
	Name: "dedupe-by-body", Anomaly: "dirty-read", Profile: participants.Fenced,
	Description: "an action with the body of one that was done is told that it is done, whatever its key and its saga",
	Source:      "a message queue's deduplication by content",
	lay: func(r *participants.Rules) {
		r.LooksDone = func(op saga.Operation, same func() bool) bool { return op.Direction == saga.Action && same() }
	},
}
