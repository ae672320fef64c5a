package faults

import "github.com/sagacheck/sagacheck/saga"

// changeDefinition has a client submit a saga of the same name and of another version while an attempt is held still.
type changeDefinition struct{ plain }

var _ Kind = changeDefinition{}

func (changeDefinition) Doc() KindDoc {
	return KindDoc{
		Name: "change-definition", Phases: []saga.Phase{saga.Receive, saga.Commit}, Redefines: true,
		Follows: "sagas under way go on by the version with which they began, across restarts too; the new saga goes by the new version",
		Text:    "while the attempt is held still a client submits one more saga, by the next version of the definition: the same name, another version, addresses of its own, and two steps that have changed places where some can. The attempt goes on when the new saga was accepted. Where the orchestrator reads a file of definitions (definitions, in its manifest) and the plan kills it, the first saga is started by its name, and when it is started again the file has the next version only",
	}
}

func (changeDefinition) Validate(Fault) error { return nil }

// Injection is another version.
func (changeDefinition) Injection(Fault, int) Injection { return Injection{Redefined: true} }
