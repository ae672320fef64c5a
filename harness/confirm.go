package harness

import (
	"net/http"

	"github.com/sagacheck/sagacheck/history"
)

// confirm records the last answer of each saga once more, when the cell is over. A
// report is recorded only where it differs from the one before, so without this
// nobody could tell an orchestrator that was asked after its restart, or after the
// saga's end, and said the same from one that was not asked.
func (r *cellRun) confirm(watches []*watch) {
	for _, w := range watches {
		switch {
		case w.err != nil:
		case w.unknown:
			r.rec.Add(history.Event{Kind: history.SagaUnknown, Saga: w.id, Code: http.StatusNotFound})
		case w.last.Status != "":
			r.rec.Add(history.Event{Kind: history.SagaStatus, Saga: w.id, Status: w.last.Status, Word: w.last.Word, Steps: w.last.Steps})
		}
	}
}
