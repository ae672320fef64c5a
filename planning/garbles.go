package planning

import (
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// garbles are the ways in which the answer of a service of the user's own can be garbled;
// nothing follows from what the answer to a compensation says beside its status.
func garbles(a *history.Attempt, did *history.Event) (hows []garble.How) {
	answer := original(a.Answered)
	if a.Sent == nil || a.Sent.Request == nil || answer == nil || answer.Reply == nil || answer.Garbled != "" {
		return nil
	}
	if answer.Code == http.StatusNoContent { // whatever the file says of its body
		return nil
	}
	whole := garble.Answer{Body: []byte(answer.Reply.Body), Ref: did.Ref}
	if did.Effect != nil {
		for _, p := range did.Effect.Postings {
			whole.Amounts = append(whole.Amounts, max(p.Amount, -p.Amount))
		}
	}
	wanted := []garble.How{garble.Empty, garble.ErrorInside}
	if did.Direction == saga.Action {
		wanted = append(wanted, garble.OtherID, garble.OtherAmount, garble.Number, garble.Text)
	}
	for _, how := range wanted {
		if _, ok := whole.Apply(how); ok {
			hows = append(hows, how)
		}
	}
	return hows
}

// Unreadable are the plans in which the answer to an action of the journey without a fault
// is a page that says nothing.
func Unreadable(journeys []Journey) []faults.Plan {
	var plans []faults.Plan
	for _, v := range visitsWithout(journeys) {
		if v.Saga == 0 && v.At.Phase == saga.Commit && v.At.Direction == saga.Action && v.At.Attempt == 1 {
			plans = append(plans, faults.Plan{Faults: []faults.Fault{unreadable(v.At)}})
		}
	}
	return plans
}

// visitsWithout are the points that the journey without a fault passed.
func visitsWithout(journeys []Journey) []Visit {
	for _, j := range journeys {
		if len(j.Plan.Faults) == 0 {
			return j.Trace.Visits
		}
	}
	return nil
}

// RefusedBehind are the plans that follow from the journeys with an answer that said
// nothing: the next step is refused. What the workflow has made of the answer shows when it
// has to undo what it did.
func RefusedBehind(journeys []Journey) []faults.Plan {
	var plans []faults.Plan
	for _, j := range journeys {
		if len(j.Plan.Faults) != 1 || !saysNothing(j.Plan.Faults[0].Injection(0)) {
			continue
		}
		i := slices.IndexFunc(j.Trace.Visits, func(v Visit) bool {
			next := v.Saga == 0 && !v.Read && !v.Known && v.At.Phase == saga.Receive && v.At.Direction == saga.Action && v.At.Attempt == 1
			return next && v.Seq > j.Trace.Last
		})
		if i >= 0 {
			refusal := declined(j.Trace.Visits[i].At)
			plans = append(plans, faults.Plan{Faults: append(slices.Clone(j.Plan.Faults), refusal)})
		}
	}
	return plans
}
