package results

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// seenAt is when an event took place for those who saw it: an attempt and a question are written down when their
// connection is over, and were answered before. What follows from an answer may be written down earlier.
func seenAt(e *history.Event) time.Duration {
	answered := time.Duration(0)
	switch e.Kind {
	case history.CallRead:
		answered = e.Passed
	case history.CallEnded:
		answered = cmp.Or(e.Acked, e.Passed)
	}
	return min(cmp.Or(answered, e.At), e.At)
}

// inOrder are the events of a history, each answer where it arrived: before what took place after
// that, of which it could not tell, or which followed from it.
func inOrder(h *history.History) []*history.Event {
	all := make([]*history.Event, 0, len(h.Events))
	for i := range h.Events {
		e := &h.Events[i]
		at := len(all)
		if seenAt(e) < e.At {
			for at > 0 && seenAt(all[at-1]) > seenAt(e) {
				at--
			}
		}
		all = slices.Insert(all, at, e)
	}
	return all
}
