package mutation

import (
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
)

// bodyOperators change what the calls of the orchestrator carried.
func bodyOperators() []Operator {
	return []Operator{
		{"body-changed", "mangled-body", "an attempt carries another body", bodyWritten(func(body string) string { return strings.Replace(body, "{", `{"other":1,`, 1) })},
		{"body-written-anew", "mangled-body", "an attempt carries the same body with a space more", func(ix *history.Index, yield func(string, *edit) bool) {
			if slices.Contains(ix.History.Header.Orchestrator.Capabilities, "exact-body") {
				bodyWritten(func(body string) string { return body + " " })(ix, yield)
			}
		}},
	}
}

// bodyWritten writes the body of each attempt that arrived in another way.
func bodyWritten(write func(string) string) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		if slices.Contains(ix.History.Header.Orchestrator.Supplied, history.CallBody) {
			return
		}
		for _, o := range each(ix) {
			for _, a := range o.Attempts {
				i := slices.IndexFunc(a.Received, func(e *history.Event) bool { return e.Copy == 0 })
				if i < 0 || a.Sent == nil || a.Received[i].Body != nil {
					continue
				}
				text := write(string(o.Call.Body))
				if !yield(place(o, a.N), change(ix.History).set(a.Received[i].Seq, func(e *history.Event) { e.Body = &text })) {
					return
				}
			}
		}
	}
}
