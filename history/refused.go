package history

import "github.com/sagacheck/sagacheck/saga"

// Refused tells whether an attempt ended with a refusal for good, of which the orchestrator
// may have read: nothing was done, and nothing will be. It is sure where it surely read it. What
// is asked for afterwards is asked for anew, and may be something else.
func (h *History) Refused(op saga.Operation, a *Attempt) (may, sure bool) {
	if a.Ended == nil || a.Severed() {
		return false, false
	}
	if code := a.Ended.Code; saga.Classify(code) != saga.Permanent && !h.LastWord(op, code) {
		return false, false
	}
	return true, a.Learnt() != "" && a.Ended.Certain && a.InTime()
}
