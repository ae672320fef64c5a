package history

// rest finds the unrest.
func (ix *Index) rest() {
	for i := range ix.History.Events {
		e := &ix.History.Events[i]
		if ix.Settled != nil && e.Seq > ix.Settled.Seq {
			return
		}
		if e.Kind == FaultFired || e.Kind == FaultHealed {
			ix.Unrest = max(ix.Unrest, e.At)
		}
	}
}
