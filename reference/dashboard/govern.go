package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/reference/policies"
)

func (p *site) policies(e Executor, w http.ResponseWriter, _ *http.Request) {
	version, text, _ := e.Policies()
	p.render(w, http.StatusOK, "policies", "Policies", struct {
		Version int
		Text    string
	}{version, text})
}

// flagged is what the page of flags shows.
type flagged struct {
	On      []policies.Flag
	Names   []policies.FlagName
	Spans   []span
	Given   flagForm
	Problem string
}

// flagForm is what somebody says who throws a flag, or takes it back.
type flagForm struct{ Name, Participants, Minutes, Author, Reason string }

// span is for how long a flag may be thrown.
type span struct {
	Minutes int
	Words   string
}

var spans = []span{{15, "15 minutes"}, {60, "1 hour"}, {4 * 60, "4 hours"}, {24 * 60, "1 day"}, {7 * 24 * 60, "7 days"}}

func (p *site) flags(e Executor, w http.ResponseWriter, _ *http.Request) {
	p.showFlags(e, w, http.StatusOK, flagForm{}, "")
}

func (p *site) showFlags(e Executor, w http.ResponseWriter, code int, given flagForm, problem string) {
	p.render(w, code, "flags", "Flags", flagged{e.Flags(), policies.FlagNames(), spans, given, problem})
}

// changeFlag throws a flag, or takes it back.
func (p *site) changeFlag(e Executor, w http.ResponseWriter, r *http.Request) {
	given := flagForm{r.PostFormValue("name"), r.PostFormValue("participants"), r.PostFormValue("minutes"), r.PostFormValue("author"), r.PostFormValue("reason")}
	by := reference.By{Source: fromHere, Author: given.Author, Reason: given.Reason}
	var err error
	switch minutes, wrong := strconv.Atoi(given.Minutes); {
	case r.PostFormValue("off") != "":
		err = e.ClearFlag(r.Context(), policies.FlagName(given.Name), by)
	case wrong != nil:
		err = &definitions.InvalidError{Field: "minutes", Reason: fmt.Sprintf("%q: expected a number", given.Minutes)}
	default:
		err = e.SetFlag(r.Context(), policies.Flag{
			Name: policies.FlagName(given.Name), Participants: strings.Fields(strings.ReplaceAll(given.Participants, ",", " ")),
			Author: given.Author, Reason: given.Reason, Expires: time.Now().Add(time.Duration(minutes) * time.Minute),
		}, by)
	}
	if err != nil {
		code, detail := p.Describe(err)
		p.showFlags(e, w, code, given, detail)
		return
	}
	http.Redirect(w, r, "/dashboard/flags", http.StatusSeeOther)
}

// audited is what the page of the audit shows.
type audited struct {
	Saga, Since, Until string
	People             bool // only what somebody asked for
	Entries            []reference.AuditEntry
	Earlier            int    // entries that are left out
	Before             string // where they are shown; "": none is left out
	Cut                bool   // not all was read
	Problem            string
}

// recently is what is looked at if nobody says from when on.
const recently = time.Hour

// query is what is asked of the audit. Of all sagas, without a time, the last hour is.
func (a *audited) query() (q reference.AuditQuery, err error) {
	q.Saga = a.Saga
	if a.Saga == "" && a.Since == "" {
		a.Since = time.Now().UTC().Add(-recently).Truncate(time.Second).Format(time.RFC3339)
	}
	if q.Since, err = timeOf("since", a.Since); err == nil {
		q.Until, err = timeOf("before", a.Until)
	}
	return q, err
}

// before is where the entries are shown that come before the shown ones; those of the same moment
// as the first of these are shown again, since some of them may be left out.
func (a *audited) before() string {
	if a.Earlier == 0 {
		return ""
	}
	v := url.Values{"saga": {a.Saga}, "since": {a.Since}, "until": {a.Entries[0].At.Add(1).UTC().Format(time.RFC3339Nano)}}
	if a.People {
		v.Set("people", "yes")
	}
	return "/dashboard/audit?" + v.Encode()
}

// timeOf is a time that was given as text; "": none was.
func timeOf(field, text string) (at time.Time, err error) {
	if text == "" {
		return at, nil
	}
	if at, err = time.Parse(time.RFC3339Nano, text); err != nil {
		err = &definitions.InvalidError{Field: field, Reason: fmt.Sprintf("%q: expected a time, as 2026-01-31T08:00:00Z", text)}
	}
	return at, err
}
