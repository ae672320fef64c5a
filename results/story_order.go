package results

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// seenAt is when an event took place for those who saw it: a question is written down when its
// connection is over, and was answered before.
func seenAt(e *history.Event) time.Duration {
	if e.Kind == history.CallRead && e.Passed > 0 {
		return min(e.Passed, e.At)
	}
	return e.At
}

// inOrder are the events of a history, each question at its answer: before what took place after
// that, of which it could not tell.
func inOrder(h *history.History) []*history.Event {
	all := make([]*history.Event, 0, len(h.Events))
	for i := range h.Events {
		e := &h.Events[i]
		at := len(all)
		if e.Kind == history.CallRead {
			for at > 0 && seenAt(all[at-1]) > seenAt(e) {
				at--
			}
		}
		all = slices.Insert(all, at, e)
	}
	return all
}
