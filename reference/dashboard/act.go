package dashboard

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// What a person asks for: first what there is to see, then who asks and why, then once more what is
// about to be done.

// fromHere is the source of what is asked for here.
const fromHere = "dashboard"

// actTitles are what an act is called.
var actTitles = map[saga.Act]string{
	saga.ActRollback: "Roll back", saga.ActRetry: "Retry now", saga.ActPause: "Pause", saga.ActResume: "Resume", saga.ActSkip: "Skip a step", saga.ActEnd: "End by hand",
}

// actWords are what it does.
var actWords = map[saga.Act]string{
	saga.ActRollback: "What was done is undone, as shown below. A rollback can't be taken back.",
	saga.ActRetry:    "What waits for its next attempt makes it now. The safety margin before a compensation is waited for all the same.",
	saga.ActPause:    "No attempt begins until the saga is resumed. What is under way comes to its end; deadlines go on.",
	saga.ActResume:   "The saga goes on.",
	saga.ActSkip:     "The step is not attempted any more. If an attempt of it may have been done, that stays.",
	saga.ActEnd:      "The saga is ended as it is: nothing of it begins ever again, and nothing is undone by it.",
}

// asking is what the page of an act shows.
type asking struct {
	reference.Preview
	Act     saga.Act
	Words   string
	Tag     string // of what is shown
	Key     string // of the request: sent twice, it is one
	Author  string
	Reason  string
	Step    string
	Confirm bool // who asks and why has been said
	Problem string
}

// May tells whether it can be asked for now.
func (a asking) May() bool { return slices.Contains(a.Acts, a.Act) }

// Steps that can be left out of a saga, if the act is to skip one.
func (a asking) Skippable() (names []string) {
	for _, st := range a.Preview.Steps {
		if st.Kind == saga.Deferrable && st.Outcome != reference.OutcomeDone {
			names = append(names, st.Name)
		}
	}
	return names
}

// looked is the page of an act, with what there is to see.
func (p *site) looked(e Executor, r *http.Request) (asking, error) {
	a := asking{Act: saga.Act(r.PathValue("act")), Key: rand.Text()}
	if actTitles[a.Act] == "" {
		return a, fmt.Errorf("%w: there is no act %q", reference.ErrNotFound, a.Act)
	}
	a.Words = actWords[a.Act]
	var err error
	a.Preview, a.Tag, err = e.Preview(r.PathValue("id"))
	return a, err
}

func (p *site) preview(e Executor, w http.ResponseWriter, r *http.Request) {
	a, err := p.looked(e, r)
	if err != nil {
		p.failed(w, err)
		return
	}
	p.render(w, http.StatusOK, "act", actTitles[a.Act]+": "+a.ID, a)
}

// act takes who asks and why, and shows that once more; or, if that was confirmed, does it on what
// was shown.
func (p *site) act(e Executor, w http.ResponseWriter, r *http.Request) {
	a, err := p.looked(e, r)
	if err != nil {
		p.failed(w, err)
		return
	}
	title := actTitles[a.Act] + ": " + a.ID
	seen := a.Tag
	a.Tag, a.Key = r.PostFormValue("tag"), r.PostFormValue("key")
	a.Author, a.Reason, a.Step = r.PostFormValue("author"), r.PostFormValue("reason"), r.PostFormValue("step")
	asked := reference.Asked{Act: a.Act, Step: a.Step, Key: a.Key, Expected: a.Tag, By: reference.By{Source: fromHere, Author: a.Author, Reason: a.Reason}}
	err = asked.Validate()
	confirmed := r.PostFormValue("confirmed") != ""
	switch {
	case err != nil:
	case a.Tag == "", a.Key == "": // not from our form
		err = reference.ErrPreviewOld
	case confirmed:
		_, err = e.Operate(r.Context(), a.ID, asked)
	case a.Tag != seen:
		err = reference.ErrPreviewOld
	}
	switch {
	case err != nil:
		code, detail := p.Describe(err)
		a.Problem, a.Tag = detail, seen // what is shown is what is so now
		if a.Key == "" || confirmed {
			a.Key = rand.Text() // another request, on what is shown now
		}
		p.render(w, code, "act", title, a)
	case confirmed:
		http.Redirect(w, r, sagaPath(a.ID), http.StatusSeeOther)
	default:
		a.Confirm = true
		p.render(w, http.StatusOK, "act", title, a)
	}
}
