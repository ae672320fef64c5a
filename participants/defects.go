package participants

import "github.com/sagacheck/sagacheck/saga"

// Defect is a planted bug of the participants: it shows that the checkers see
// what is the participants' fault, whatever the orchestrator does.
type Defect struct {
	Name        string
	Anomaly     string // the checker that must find it
	Profile     Profile
	Description string
	Source      string
}

// AllDefects lists the planted bugs of participants.
func AllDefects() []Defect {
	return []Defect{
		{"no-dedupe", "duplicate-effect", Fenced, "an action is applied each time it arrives, whatever its key", "the idempotency key was stored in another transaction than the effect"},
		{"no-tombstone", "hanging-action", Fenced, "a compensation leaves no tombstone, so a late action has its effect", "DTM and Seata: suspension"},
		{"refund-short", "inexact-compensation", Fenced, "a compensation gives back one unit less than the action took", "a fee is kept back"},
		{"refund-elsewhere", "inexact-compensation", Fenced, "a compensation books to another account than the action", "refund to the account on file, not to the one that paid"},
		{"compensate-anyway", "empty-compensation", Fenced, "a compensation is applied although its action never happened", "DTM and Seata: null compensation"},
		{"blind-writes", "lost-update", Fenced, "a write is applied whatever value the register has now", "Richardson, ch. 4.3: no semantic lock"},
		{"dedupe-by-body", "dirty-read", Fenced, "an action with the body of one that was done is told that it is done, whatever its key and its saga", "a message queue's deduplication by content"},
		{"credit-extra", "double-credit", Fenced, "an action credits twice what was asked for, in one effect", "amount applied by the handler and by a trigger"},
	}
}

// distort applies the planted bugs that change what is booked.
func (w *World) distort(c Call, e saga.Effect) saga.Effect {
	undo := c.Op.Direction == saga.Compensation
	factor := func(p saga.Posting, by int64) saga.Posting {
		return saga.Posting{Account: p.Account, Amount: by, Unit: p.Unit}
	}
	var out saga.Effect
	out.Writes = e.Writes
	for _, p := range e.Postings {
		switch {
		case undo && w.defects["refund-short"] && p.Amount > 0:
			p = factor(p, p.Amount-1)
		case undo && w.defects["refund-short"]:
			p = factor(p, p.Amount+1)
		case undo && w.defects["refund-elsewhere"] && p.Amount > 0:
			p.Account += "-old"
		case !undo && w.defects["credit-extra"]:
			p = factor(p, 2*p.Amount)
		}
		out.Postings = append(out.Postings, p)
	}
	return out
}
