package faults

// storeOutage cuts the orchestrator off from its database for a time: existing
// connections are reset, new ones too.
type storeOutage struct{}

var _ Kind = storeOutage{}

func (storeOutage) Doc() KindDoc {
	return KindDoc{
		Name: "store-outage", Fields: []string{"from_ms", "for_ms"}, Process: true,
		Text: "the orchestrator's database is unreachable from from_ms for for_ms",
	}
}

func (storeOutage) Validate(Fault) error { return nil }
