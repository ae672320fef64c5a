package planning

import (
	"github.com/sagacheck/sagacheck/saga"

	"github.com/sagacheck/sagacheck/faults"
)

// early is the plans in which a circuit breaker stays closed, though one that counts
// wrongly opens: one failure fewer than its policy says; so many, with a success
// between them; and so many if a refusal were one. Some sagas are kept at the step
// before meanwhile: their retries show how punctual the orchestrator is.
func early(defs []saga.Definition) (plans []faults.Plan) {
	w, ok := defs[0].WatchBreaker()
	if !ok || len(defs) < saga.WatchSagas {
		return nil
	}
	fail := func(s saga.Step, number, times int) []faults.Fault {
		return burst(to(number, failed(point(s.Name, 1, saga.Receive))), times)
	}
	add := func(others int, fs []faults.Fault) {
		for n := others; n <= saga.WatchSagas; n++ {
			fs = append(fs, fail(w.Before, n, w.Rounds)...)
		}
		p := faults.Plan{Faults: fs}
		for n := range saga.WatchSagas {
			if !predict(defs[0], p, n+1).sure() {
				return
			}
		}
		plans = append(plans, p)
	}
	row := w.Behind.Action.Breaker.Failures - 1
	add(2, fail(w.Behind, 1, row))
	add(3, append(append(fail(w.Behind, 1, row), fail(w.Before, 2, w.Failures)...), fail(w.Behind, 2, 1)...))
	refusal := to(1, declined(point(w.Behind.Name, 1, saga.Receive)))
	add(3, append([]faults.Fault{refusal}, fail(w.Behind, 2, row)...))
	return plans
}
