package history

// rest finds the unrest.
func (ix *Index) rest() {
	for i := range ix.History.Events {
		e := &ix.History.Events[i]
		if ix.Settled != nil && e.Seq > ix.Settled.Seq {
			return
		}
		switch e.Kind {
		case FaultFired, FaultHealed, ProcessReady, ProcessResumed:
			ix.Unrest = max(ix.Unrest, e.At)
		default:
		}
	}
}
