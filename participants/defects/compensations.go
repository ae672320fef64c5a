package defects

import (
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

var noTombstone = Defect{
	Name: "no-tombstone", Anomaly: "hanging-action", Profile: participants.Fenced,
	Description: "a compensation leaves no tombstone, so a late action has its effect",
	Source:      "DTM and Seata: suspension",
	lay: func(r *participants.Rules) {
		r.Tombstones = func(participants.Profile) bool { return false }
	},
}

var compensateAnyway = Defect{
	Name: "compensate-anyway", Anomaly: "empty-compensation", Profile: participants.Fenced,
	Description: "a compensation is applied although its action never happened",
	Source:      "DTM and Seata: null compensation",
	lay: func(r *participants.Rules) {
		r.Undoes = func(bool) bool { return true }
	},
}

var refundShort = Defect{
	Name: "refund-short", Anomaly: "inexact-compensation", Profile: participants.Fenced,
	Description: "a compensation gives back one unit less than the action took",
	Source:      "a fee is kept back",
	lay: func(r *participants.Rules) {
		overUndo(r, func(p saga.Posting) saga.Posting {
			if p.Amount > 0 {
				p.Amount--
			} else {
				p.Amount++
			}
			return p
		})
	},
}

var refundElsewhere = Defect{
	Name: "refund-elsewhere", Anomaly: "inexact-compensation", Profile: participants.Fenced,
	Description: "a compensation books to another account than the action",
	Source:      "refund to the account on file, not to the one that paid",
	lay: func(r *participants.Rules) {
		overUndo(r, func(p saga.Posting) saga.Posting {
			if p.Amount > 0 {
				p.Account += "-old"
			}
			return p
		})
	},
}

// overUndo changes what compensations book.
func overUndo(r *participants.Rules, f func(saga.Posting) saga.Posting) {
	was := r.Books
	r.Books = func(op saga.Operation, p saga.Posting) saga.Posting {
		if p = was(op, p); op.Direction == saga.Compensation {
			return f(p)
		}
		return p
	}
}
