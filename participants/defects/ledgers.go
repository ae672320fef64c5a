package defects

import (
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

var blindWrites = Defect{
	Name: "blind-writes", Anomaly: "lost-update", Profile: participants.Fenced,
	Description: "a write is applied whatever value the register has now",
	Source:      "Richardson, ch. 4.3: no semantic lock",
	lay: func(r *participants.Rules) {
		r.Compares = func(participants.Profile) bool { return false }
	},
}

var creditExtra = Defect{
	Name: "credit-extra", Anomaly: "double-credit", Profile: participants.Fenced,
	Description: "an action credits twice what was asked for, in one effect",
	Source:      "amount applied by the handler and by a trigger",
	lay: func(r *participants.Rules) {
		was := r.Books
		r.Books = func(op saga.Operation, p saga.Posting) saga.Posting {
			if p = was(op, p); op.Direction == saga.Action {
				p.Amount *= 2
			}
			return p
		}
	},
}
