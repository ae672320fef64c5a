package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// mostShown is how many entries of the audit one page shows.
const mostShown = 300

// story is what the page of one saga shows.
type story struct {
	reference.Preview
	Quarantined bool
	Waits       []reference.Wait
	Drifts      []reference.Drift
	// Entries are what was decided and what came of it, the latest last.
	Entries []reference.AuditEntry
	Earlier int    // entries that are left out
	Live    string // from where what has changed comes
}

// told is what is known of a saga.
func told(ctx context.Context, e Executor, id string) (s story, err error) {
	s.Live = sagaPath(id) + "/live"
	if s.Preview, _, err = e.Preview(id); errors.Is(err, reference.ErrQuarantined) {
		s.Quarantined, s.Preview = true, reference.Preview{ID: id, Status: saga.Stuck, Rollback: err.Error()}
	} else if err != nil {
		return s, err
	} else if s.Waits, err = e.Waits(id); err != nil && !errors.Is(err, reference.ErrQuarantined) {
		return s, err
	}
	a, err := e.Audit(ctx, reference.AuditQuery{Saga: id})
	if err != nil && !(s.Quarantined && errors.Is(err, reference.ErrNotFound)) { // there, nothing may be readable
		return s, err
	}
	s.Entries, s.Earlier = latest(a.Entries)
	if s.Drifts, err = e.Drifts(ctx, id); s.Quarantined { // of such a one nobody knows
		err = nil
	}
	return s, err
}

// latest are the last entries, and how many came before.
func latest(all []reference.AuditEntry) (last []reference.AuditEntry, earlier int) {
	if n := len(all) - mostShown; n > 0 {
		return all[n:], n
	}
	return all, 0
}

func (p *site) saga(e Executor, w http.ResponseWriter, r *http.Request) {
	s, err := told(r.Context(), e, r.PathValue("id"))
	if err != nil {
		p.failed(w, err)
		return
	}
	p.render(w, http.StatusOK, "saga", s.ID, s)
}

func (p *site) liveSaga(e Executor, w http.ResponseWriter, r *http.Request) {
	p.follow(e, w, r, func() (string, error) {
		s, err := told(r.Context(), e, r.PathValue("id"))
		if err != nil {
			return "", err
		}
		return fragment("saga-live", s)
	})
}

// audit shows what was decided: of a saga or of all, by time; the latest first.
func (p *site) audit(e Executor, w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	shown := audited{Saga: v.Get("saga"), Since: v.Get("since"), Until: v.Get("until"), People: v.Get("people") != ""}
	q, err := shown.query()
	code := http.StatusOK
	if err == nil {
		var a reference.Audit
		a, err = e.Audit(r.Context(), q)
		shown.Cut = a.Cut
		if shown.People {
			a.Entries = slices.DeleteFunc(a.Entries, func(en reference.AuditEntry) bool { return en.Author == "" && en.Source == "" })
		}
		shown.Entries, shown.Earlier = latest(a.Entries)
		shown.Before = shown.before()
		slices.Reverse(shown.Entries)
	}
	if err != nil {
		code, shown.Problem = p.Describe(err)
	}
	p.render(w, code, "audit", "Audit", shown)
}
