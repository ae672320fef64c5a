package faults

// latency makes the network slow for a time: requests and answers of the steps
// come delay_ms later.
type latency struct{}

var _ onWindow = latency{}

func (latency) Doc() KindDoc {
	return KindDoc{
		Name: "latency", Fields: []string{"steps", "from_ms", "for_ms", "delay_ms"},
		Text: "from from_ms for for_ms, requests to the steps and their answers come delay_ms later",
	}
}

func (latency) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }

func (latency) meet(f Fault, _ int) effect {
	late := map[string]any{"latency": f.DelayMS}
	return effect{toxics: []toxic{newToxic("latency", upstream, late), newToxic("latency", downstream, late)}}
}
