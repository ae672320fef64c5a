package mutation

import (
	"github.com/sagacheck/sagacheck/history"
)

// versionOperators have a call made for a saga of another version.
func versionOperators() []Operator {
	return []Operator{
		{"made-for-another-version", "version-changed", "a call of one version is made for a saga that began by another", madeForAnother},
	}
}

// madeForAnother has each call of a saga be made for one of the same name and another version, which was accepted.
func madeForAnother(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range each(ix) {
		for _, other := range ix.Sagas {
			if s.Definition.Name != other.Definition.Name || s.Definition.Version == other.Definition.Version || len(s.Accepted) == 0 || len(other.Accepted) == 0 {
				continue
			}
			for _, a := range o.Attempts {
				if a.Sent == nil || a.Sent.SagaID != s.ID || a.Sent.Seq < other.Accepted[0].Seq {
					continue
				}
				if !yield(place(o, a.N), change(ix.History).set(a.Sent.Seq, func(e *history.Event) { e.SagaID = other.ID })) {
					return
				}
			}
		}
	}
}
