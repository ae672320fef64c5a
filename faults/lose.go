package faults

import "github.com/sagacheck/sagacheck/saga"

// lose is silence: the request or the answer disappears and the connection stays
// open until the orchestrator gives up.
type lose struct{ plain }

var _ Kind = lose{}

func (lose) Doc() KindDoc {
	return KindDoc{
		Name: "lose", Phases: []saga.Phase{saga.Request, saga.Response}, Transient: true, InARow: saga.Response,
		Text: "the request or the answer is lost in silence: nothing comes until the orchestrator's own time-out",
	}
}

func (lose) Validate(Fault) error { return nil }

// Injection is silence.
func (lose) Injection(f Fault, _ int) Injection { return bend(f, Swallowed, 0) }
