package faults

// storeOutage cuts the orchestrator off from its store for a time: a database is
// unreachable, a file can't be written, as on a full disk.
type storeOutage struct{ plain }

var _ Kind = storeOutage{}

func (storeOutage) Doc() KindDoc {
	return KindDoc{
		Name: "store-outage", Fields: []string{"from_ms", "for_ms"}, Process: true, Store: true,
		Text: "the orchestrator is cut off from its store (on a disk that is full, or a database out of reach) from from_ms for for_ms",
	}
}

func (storeOutage) Validate(Fault) error { return nil }

// Injection is a store that is away.
func (storeOutage) Injection(f Fault, _ int) Injection {
	return Injection{Victim: StoreCutOff, For: f.For()}
}
