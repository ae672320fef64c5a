package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// perPage is how many sagas one page lists.
const perPage = 50

// anyState is the state that is asked for by who wants to see those that have ended too.
const anyState = "any"

// listing is what the page of all sagas shows.
type listing struct {
	Query     reference.BoardQuery
	Condition reference.Condition
	Counts    []count
	Sagas     []reference.Card
	Drifted   []string // sagas of which a participant does not hold what is written down, as far as is known
	Next      string   // where the next page is; "": there is none
	First     string   // where the first one is; "": this is it
	Live      string   // from where what has changed comes
}

// count is how many sagas have a mark.
type count struct {
	Mark  reference.Mark
	N     int
	Where string // they are listed
	Here  bool   // they are the ones that are listed
}

func listed(e Executor, r *http.Request) (listing, error) {
	v := r.URL.Query()
	q := reference.BoardQuery{
		Mark: reference.Mark(v.Get("state")), Name: v.Get("name"), Prefix: v.Get("prefix"), Text: v.Get("text"), After: v.Get("after"), Most: perPage,
	}
	switch {
	case q.Mark == anyState:
		q.Mark = ""
	case !slices.Contains(reference.Marks(), q.Mark):
		q.Mark, q.Open = "", true
	}
	b := e.Board(q)
	l := listing{Query: q, Condition: e.Condition(), Sagas: b.Sagas, Live: "/dashboard/live?" + values(q).Encode()}
	for _, m := range reference.Marks() {
		where := values(q)
		where.Set("state", string(m))
		where.Del("after")
		l.Counts = append(l.Counts, count{m, b.Counts[m], "/?" + where.Encode(), m == q.Mark})
	}
	next := values(q)
	if q.After != "" {
		next.Del("after")
		l.First = "/?" + next.Encode()
	}
	if b.More {
		next.Set("after", b.Sagas[len(b.Sagas)-1].ID)
		l.Next = "/?" + next.Encode()
	}
	var err error
	l.Drifted, err = drifted(r.Context(), e)
	return l, err
}

// drifted are sagas of which something differs now, each once.
func drifted(ctx context.Context, e Executor) (ids []string, err error) {
	all, err := e.Drifts(ctx, "")
	for _, d := range all {
		ids = append(ids, d.Saga)
	}
	return slices.Compact(ids), err // they come by saga
}

// values are a query as an address has it.
func values(q reference.BoardQuery) url.Values {
	v := url.Values{}
	state := string(q.Mark)
	if state == "" && !q.Open {
		state = anyState
	}
	for name, said := range map[string]string{"state": state, "name": q.Name, "prefix": q.Prefix, "text": q.Text, "after": q.After} {
		if said != "" {
			v.Set(name, said)
		}
	}
	return v
}

func (p *site) sagas(e Executor, w http.ResponseWriter, r *http.Request) {
	l, err := listed(e, r)
	if err != nil {
		p.failed(w, err)
		return
	}
	p.render(w, http.StatusOK, "sagas", "Sagas", l)
}

func (p *site) liveSagas(e Executor, w http.ResponseWriter, r *http.Request) {
	p.follow(e, w, r, func() (string, error) {
		l, err := listed(e, r)
		if err != nil {
			return "", err
		}
		return fragment("sagas-live", l)
	})
}

// progress shows an end user how far a saga has got. Why nobody can say is no end user's business.
func (p *site) progress(w http.ResponseWriter, r *http.Request) {
	var shown reference.Progress
	e, err := p.Owner()
	if err == nil {
		shown, err = e.Progress(r.PathValue("id"))
	}
	switch {
	case errors.Is(err, reference.ErrNotFound):
		p.noProgress(w, r)
	case err != nil:
		w.Header().Set("Retry-After", "1")
		p.render(w, http.StatusServiceUnavailable, "progress-later", "Progress", nil)
	default:
		p.render(w, http.StatusOK, "progress", "Progress", shown)
	}
}

// noProgress answers an end user that there is no such saga, or none that may be shown.
func (p *site) noProgress(w http.ResponseWriter, _ *http.Request) {
	p.render(w, http.StatusNotFound, "progress-none", "Progress", nil)
}

// plain says in plain words how a saga, or a step, is.
func plain(state any, retrying bool) string {
	switch state {
	case saga.Running:
		if retrying {
			return "We are still trying: something takes longer than usual."
		}
		return "This is under way."
	case saga.Compensating:
		return "This did not work out, and is being undone."
	case saga.Completed:
		return "This is done."
	case saga.Compensated:
		return "This did not work out, and was undone."
	case saga.Stuck:
		return "This needs a person, who will see to it."
	case saga.EndedByHand:
		return "A person has seen to this."
	case saga.StepSucceeded:
		return "done"
	case saga.StepFailed:
		return "not done"
	case saga.StepDeferred:
		return "will be done later"
	case saga.StepCompensating:
		return "being undone"
	case saga.StepCompensated:
		return "undone"
	case saga.StepRunning:
		return "under way"
	}
	return "still to come"
}
