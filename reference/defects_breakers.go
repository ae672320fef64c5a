package reference

import "github.com/sagacheck/sagacheck/saga"

// breakerDefects open a circuit breaker too early: what is held back then would have
// been answered.
var breakerDefects = []Defect{
	{
		Name: "breaker-opens-early", Anomaly: "breaker-violation", Needs: "one failure in a row fewer than opens the breaker",
		Description: "a breaker opens one failure too early",
	},
	{
		Name: "breaker-adds-up", Anomaly: "breaker-violation", Needs: "as many failures as open the breaker, with a success between them",
		Description: "a success does not begin a new row of failures",
	},
	{
		Name: "refusals-open-breaker", Anomaly: "breaker-violation", Needs: "failures and refusals, together as many as open the breaker",
		Description: "a refusal for good counts as a failure of the service",
	},
}

// opensAt is how many failures in a row open a breaker.
func (d defects) opensAt(b saga.Breaker) uint {
	if b.Failures > 1 && d.on("breaker-opens-early") {
		return uint(b.Failures - 1)
	}
	return uint(b.Failures)
}

// opensFor tells whether an answer is a failure in the eyes of a breaker.
func (d defects) opensFor(a saga.Answer) bool {
	return a == saga.Transient || a == saga.Permanent && d.on("refusals-open-breaker")
}

// addsUp: a success while closed changes nothing. Without the planted defect it is
// false.
func (b *breaker) addsUp() bool { return b.defects.on("breaker-adds-up") && b.cb.IsClosed() }
