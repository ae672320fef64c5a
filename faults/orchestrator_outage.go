package faults

// orchestratorOutage kills the orchestrator at a time, wherever its sagas are
// then, and starts it again on the same store: what chaos tools do to a process.
// crash-orchestrator does it at an exact point.
type orchestratorOutage struct{ plain }

var _ Kind = orchestratorOutage{}

func (orchestratorOutage) Doc() KindDoc {
	return KindDoc{
		Name: "orchestrator-outage", Fields: []string{"from_ms", "for_ms"}, Process: true,
		Text: "the orchestrator is killed (SIGKILL) at from_ms, whatever it is doing, and started again on the same store after for_ms",
	}
}

func (orchestratorOutage) Validate(Fault) error { return nil }

// Injection is a process that is away.
func (orchestratorOutage) Injection(f Fault, _ int) Injection {
	return Injection{Victim: ProcessKilled, For: f.For()}
}
