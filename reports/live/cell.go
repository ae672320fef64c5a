package live

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// mostLines is how many lines a timeline has at the most.
const mostLines = 2000

// mostDrawn is how many of them are drawn too.
const mostDrawn = 200

// timeline is what the page of a cell shows.
type timeline struct {
	ID, Scenario, Plan string
	Dir                string // of the run
	Sagas              []string
	Now                bool          // it runs
	For                time.Duration // so long, if so
	Cell               *results.Cell // what came of it; nil: it is not known, or not any more
	Lost               bool          // nothing of it was kept
	Found, Advice      []results.Failure
	Lines              []results.Line
	Drawing            template.HTML // of what has ended
	Later              int           // lines that are left out
	Live               string
	End                *End // of the run
}

// errNoCell: there is no cell of that name, or it has left nothing.
var errNoCell = errors.New("there is no such cell, or nothing of it is stored")

// timeline reads what happened in a cell: where it is recorded, or where it is stored.
func (v *View) timeline(id string) (t timeline, err error) {
	t = timeline{ID: id, Live: cellPath(id) + "/live"}
	t.Dir, t.End = v.ending()
	r := v.now(id)
	cell, judged := v.judged(id)
	if judged {
		t.Cell, t.Scenario, t.Plan = &cell.Cell, cell.Scenario, cell.Plan
		t.Found, t.Advice = v.told(cell.found)
	}
	var h *history.History
	if r != nil {
		events, at := r.rec.Since(0)
		h = &history.History{Header: r.header, Events: events}
		t.Now, t.For, t.Scenario, t.Plan = true, at, r.cell.Scenario, r.cell.Plan
	} else if h, err = stored(t.Dir, id, cell.History); errors.Is(err, errNoCell) && judged {
		return t, nil // its error says what was wrong
	} else if err != nil {
		return t, err
	}
	t.tell(h)
	return t, nil
}

func (t *timeline) tell(h *history.History) {
	t.Scenario = h.Header.Scenario
	if t.Plan == "" {
		t.Plan = results.PlanText(h.Header)
	}
	for _, d := range h.Header.Definitions {
		t.Sagas = append(t.Sagas, d.ID)
	}
	var w checkers.Witness // of all that was found in it
	for _, f := range t.Found {
		w.Events = append(w.Events, f.Events...)
	}
	t.Lines = results.Timeline(h, w)
	t.Later = max(0, len(t.Lines)-mostLines)
	t.Lines = t.Lines[:len(t.Lines)-t.Later]
	if !t.Now && len(t.Lines) <= mostDrawn {
		broken := ""
		if len(t.Found) == 1 {
			broken = t.Found[0].Broken
		}
		t.Drawing = reports.Timeline(results.Story{Lines: t.Lines, Runner: h.Header.Workflow}, broken)
	}
}

// stored is the history of a cell that has ended: in the run's folder, or, of one that an earlier run
// has left, where it says.
func stored(dir, id, at string) (*history.History, error) {
	if filepath.IsAbs(at) {
		return readHistory(os.Open(at))
	}
	if dir == "" {
		return nil, errNoCell
	}
	root, err := os.OpenRoot(filepath.Join(dir, results.HistoriesDir)) // whatever the id is, it leads nowhere else
	if err != nil {
		return nil, errNoCell
	}
	defer root.Close() //nolint:errcheck // it was read only
	return readHistory(root.Open(id + history.Extension))
}

func readHistory(file *os.File, err error) (*history.History, error) {
	if err != nil {
		return nil, errNoCell
	}
	defer file.Close() //nolint:errcheck // it was read only
	return history.Read(file)
}

func (s *site) cell(w http.ResponseWriter, r *http.Request) {
	t, err := s.view.timeline(r.PathValue("id"))
	switch {
	case err == nil:
		s.render(w, http.StatusOK, "cell", "Cell "+t.ID, t)
	case errors.Is(err, errNoCell):
		s.render(w, http.StatusNotFound, "problem", "Not found", errNoCell.Error())
	default:
		s.render(w, http.StatusInternalServerError, "problem", "Not to be read", err.Error())
	}
}

// liveCell follows a cell until it has been judged, or the run has ended.
func (s *site) liveCell(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	ctx, last := context.WithCancel(r.Context())
	defer last()
	go func() {
		select {
		case <-s.view.over:
			last()
		case <-ctx.Done():
		}
	}()
	s.follow(w, r, ctx.Done(), func() (string, error) {
		t, err := s.view.timeline(id)
		if t.Lost = errors.Is(err, errNoCell); err != nil && !t.Lost {
			return "", err
		}
		if t.Cell != nil || t.Lost {
			last()
		}
		return fragment("cell-live", t)
	})
}
