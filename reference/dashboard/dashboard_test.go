package dashboard_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/dashboard"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

const evil = `<script>alert("x")</script>`

// odd is an executor whose steps have names that no executor of ours accepts.
type odd struct{ *reference.Executor }

func (o odd) Preview(id string) (reference.Preview, string, error) {
	p, tag, err := o.Executor.Preview(id)
	for i := range p.Steps {
		p.Steps[i].Name = evil
		p.Steps[i].Took = &reference.PreviewCall{Key: evil, Effect: evil}
	}
	return p, tag, err
}

func (o odd) Waits(id string) ([]reference.Wait, error) {
	waits, err := o.Executor.Waits(id)
	for i := range waits {
		waits[i].Step, waits[i].Why = evil, evil
	}
	return waits, err
}

// What sagas, participants and operators said is text on every page, whatever it is.
func TestWhatOthersSaidIsEscaped(t *testing.T) {
	p := testparticipant.New(t, nil)
	e, _ := open(t)
	h := dashboard.Handler(dashboard.Options{
		Owner:    func() (dashboard.Executor, error) { return odd{e}, nil },
		Describe: func(err error) (int, string) { return http.StatusBadRequest, err.Error() },
	})
	const id = `<script>id</script>?"'&/#%`
	d := p.Define(id, "a compensatable")
	d.Name = evil
	submit(t, e, d)
	awaitStatus(t, e, id, saga.Completed)
	open := p.Define("<b>open", "a compensatable")
	open.Steps[0].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 60_000, Multiplier: 1, MaxIntervalMS: 60_000, AttemptTimeoutMS: 10}
	p.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	submit(t, e, open)
	await(t, func() bool {
		waits, err := e.Waits("<b>open")
		return err == nil && len(waits) == 1 && waits[0].Attempt == 2
	})
	by := reference.By{Author: evil, Reason: evil}
	if _, err := e.Operate(t.Context(), "<b>open", reference.Asked{Act: saga.ActPause, By: by}); err != nil {
		t.Fatal(err)
	}
	if err := e.SetFlag(t.Context(), policies.Flag{Name: policies.NoRetries, Author: evil, Reason: evil, Expires: time.Now().Add(time.Hour)}, by); err != nil {
		t.Fatal(err)
	}
	if _, err := e.ChangePolicies(t.Context(), "templates: {} # "+evil+"\n", "", by); err != nil {
		t.Fatal(err)
	}
	at, atOpen := "/dashboard/saga/"+url.PathEscape(id), "/dashboard/saga/"+url.PathEscape("<b>open")
	for path, want := range map[string]string{
		"/?state=any": "&lt;script&gt;alert(", "/": "&lt;b&gt;", at: "&lt;script&gt;alert(", at + "/rollback": "&lt;script&gt;alert(", atOpen: "&lt;b&gt;", atOpen + "/pause": "&lt;b&gt;",
		"/dashboard/policies": "&lt;script&gt;alert(", "/dashboard/flags": "&lt;script&gt;alert(", "/dashboard/audit": "&lt;script&gt;alert(",
		"/?text=" + url.QueryEscape(`"><script>`): "&lt;script&gt;", "/dashboard/audit?saga=" + url.QueryEscape("<b>open"): "&lt;b&gt;",
	} {
		page := get(t, h, path)
		must(t, page, want)
		if strings.Contains(page, "<script>") || strings.Contains(page, "<b>") || strings.Contains(page, "alert(\"") {
			t.Errorf("%s: it is not escaped:\n%s", path, page)
		}
	}
	links := regexp.MustCompile(`scope="row"><a href="([^"]*)"`).FindAllStringSubmatch(get(t, h, "/?state=any"), -1)
	if len(links) != 2 {
		t.Fatal(links)
	}
	for _, link := range links { // each leads to the page of its saga
		get(t, h, html.UnescapeString(link[1]))
	}
	for _, path := range []string{"/dashboard/saga/%3Cscript%3E", "/dashboard/%3Cscript%3E", "/progress/%3Cscript%3E", at + "/%3Cscript%3E", "/dashboard/audit?since=%3Cscript%3E"} {
		if w := request(h, http.MethodGet, path, nil); w.Code < 400 || strings.Contains(w.Body.String(), "<script>") {
			t.Error(path, w.Code, w.Body)
		}
	}
}

// broken is an executor of which a saga is in quarantine, and can't be read at all.
type broken struct{ *reference.Executor }

func (broken) Preview(string) (reference.Preview, string, error) {
	return reference.Preview{}, "", reference.ErrQuarantined
}

func (broken) Audit(context.Context, reference.AuditQuery) (reference.Audit, error) {
	return reference.Audit{}, reference.ErrNotFound
}

// A saga in quarantine has a page, on which nothing can be asked for.
func TestQuarantine(t *testing.T) {
	e, _ := open(t)
	h := dashboard.Handler(dashboard.Options{
		Owner:    func() (dashboard.Executor, error) { return broken{e}, nil },
		Describe: func(err error) (int, string) { return http.StatusConflict, err.Error() },
	})
	page := get(t, h, "/dashboard/saga/s")
	must(t, page, "in quarantine", "Nothing can be read.")
	if strings.Contains(page, "What can be asked for") {
		t.Error(page)
	}
	if w := request(h, http.MethodGet, "/dashboard/saga/s/end", nil); w.Code != http.StatusConflict {
		t.Error(w.Code, w.Body)
	}
}

// Each answer says that nothing is loaded from elsewhere, run, framed or kept.
func TestPagesAreClosed(t *testing.T) {
	_, h := open(t)
	for _, path := range []string{"/", "/dashboard/flags", "/dashboard/nowhere", "/dashboard/assets/follow.js", "/progress/x"} {
		w := request(h, http.MethodGet, path, nil)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Cache-Control": "no-store",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q", path, name, got)
			}
		}
		for _, outside := range []string{"http://", "https://", "style=", "onclick", "javascript:"} {
			if w.Header().Get("Content-Type") == "text/html; charset=utf-8" && strings.Contains(w.Body.String(), outside) {
				t.Errorf("%s: %q in %s", path, outside, w.Body)
			}
		}
	}
}

// Pages are paged by id, and filters go along.
func TestPaging(t *testing.T) {
	p := testparticipant.New(t, nil)
	e, h := open(t)
	for i := range 120 {
		d := p.Define(fmt.Sprintf("s-%03d", i), "a compensatable")
		submit(t, e, d)
	}
	link := regexp.MustCompile(`href="([^"]*)">Next page`)
	rows := regexp.MustCompile(`scope="row"><a href="[^"]*">(s-\d+)<`)
	seen := map[string]bool{}
	pages := 0
	for path := "/?state=any&prefix=s-"; path != "" && pages < 9; pages++ {
		page := get(t, h, path)
		for _, m := range rows.FindAllStringSubmatch(page, -1) {
			seen[m[1]] = true
		}
		if path = ""; link.MatchString(page) {
			path = strings.ReplaceAll(link.FindStringSubmatch(page)[1], "&amp;", "&")
			must(t, path, "state=any", "prefix=s-", "after=s-")
		}
	}
	if pages != 3 || len(seen) != 120 {
		t.Errorf("%d sagas on %d pages", len(seen), pages)
	}
	must(t, get(t, h, "/?state=any&prefix=s-11&after=s-118"), "s-119", "First page")
	must(t, get(t, h, "/?state=stuck"), "There is none.")
}

// tagAndKey are the fields of a form that say on what was seen something is asked for.
var tagAndKey = regexp.MustCompile(`name="tag" value="([^"]*)"><input type="hidden" name="key" value="([^"]*)"`)

// What a person asks for is previewed, confirmed and done once; it is in the audit with who and why.
func TestActs(t *testing.T) {
	p := testparticipant.New(t, stuck)
	e, h := open(t)
	submit(t, e, p.Define("s", "a compensatable", "b compensatable"))
	awaitStatus(t, e, "s", saga.Stuck)
	must(t, get(t, h, "/dashboard/saga/s"), "End by hand…", "answered 422")
	page := get(t, h, "/dashboard/saga/s/end")
	m := tagAndKey.FindStringSubmatch(page)
	if m == nil {
		t.Fatal(page)
	}
	form := url.Values{"tag": {m[1]}, "key": {m[2]}, "author": {"ann"}}
	send := func(code int, words ...string) {
		t.Helper()
		w := request(h, http.MethodPost, "/dashboard/saga/s/end", form)
		if w.Code != code {
			t.Errorf("%v: %d %s", form, w.Code, w.Body)
		}
		must(t, w.Body.String(), words...)
	}
	send(http.StatusBadRequest, "Nothing was done: reason: must be given")
	form.Set("reason", "seen to by phone")
	send(http.StatusOK, "I am sure", "seen to by phone")
	if r, _ := e.Status("s"); r.Status != saga.Stuck {
		t.Error("it was done before it was confirmed")
	}
	form.Set("confirmed", "yes")
	form.Set("tag", "old")
	send(http.StatusPreconditionFailed, "not any more what the preview showed")
	form.Set("tag", m[1])
	send(http.StatusSeeOther)
	awaitStatus(t, e, "s", saga.EndedByHand)
	send(http.StatusSeeOther) // twice is once
	a, err := e.Audit(t.Context(), reference.AuditQuery{Saga: "s"})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, en := range a.Entries {
		if en.What == reference.AuditOperator+"end" && en.By == (reference.By{Source: "dashboard", Author: "ann", Reason: "seen to by phone"}) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d entries: %+v", n, a.Entries)
	}
	must(t, get(t, h, "/dashboard/audit?people=yes"), "operator-end", "ann", "seen to by phone")
	if w := request(h, http.MethodPost, "/dashboard/saga/s/rollback", form); w.Code != http.StatusUnprocessableEntity { // the key is another request's
		t.Error(w.Code, w.Body)
	}
}

// A form that a page of another site sends changes nothing.
func TestOtherSitesChangeNothing(t *testing.T) {
	e, h := open(t)
	form := url.Values{"name": {"drain"}, "minutes": {"15"}, "author": {"eve"}, "reason": {"fun"}}
	for _, header := range [][]string{{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		if w := request(h, http.MethodPost, "/dashboard/flags", form, header...); w.Code != http.StatusForbidden {
			t.Error(header, w.Code, w.Body)
		}
	}
	if len(e.Flags()) != 0 {
		t.Error(e.Flags())
	}
	if w := request(h, http.MethodPost, "/dashboard/flags", form, "Sec-Fetch-Site", "same-origin"); w.Code != http.StatusSeeOther {
		t.Error(w.Code, w.Body)
	}
	must(t, get(t, h, "/dashboard/flags"), "Lift drain", "eve")
	must(t, get(t, h, "/"), "the flag drain is on")
}

// Flags are set and lifted with who and why; what is wrong is said, and what was typed stays.
func TestFlags(t *testing.T) {
	e, h := open(t)
	form := url.Values{"name": {"hold-participant"}, "minutes": {"60"}, "author": {"ann"}, "reason": {"their release"}}
	w := request(h, http.MethodPost, "/dashboard/flags", form)
	if w.Code != http.StatusBadRequest {
		t.Error(w.Code)
	}
	must(t, w.Body.String(), "Nothing was changed: participants: [", `value="their release"`, `<option value="60" selected>`)
	if strings.Contains(w.Body.String(), "mistake") { // what is wrong says it all
		t.Error(w.Body)
	}
	form.Set("participants", "<b>")
	w = request(h, http.MethodPost, "/dashboard/flags", form)
	if w.Code != http.StatusBadRequest || len(e.Flags()) != 0 {
		t.Error(w.Code, e.Flags())
	}
	must(t, w.Body.String(), "participants[0]: &#34;&lt;b&gt;&#34;: expected host or host:port")
	form.Set("participants", "bank.example, 127.0.0.1:99")
	if w := request(h, http.MethodPost, "/dashboard/flags", form); w.Code != http.StatusSeeOther {
		t.Error(w.Code, w.Body)
	}
	on := e.Flags()
	if len(on) != 1 || fmt.Sprint(on[0].Participants) != "[bank.example 127.0.0.1:99]" || time.Until(on[0].Expires) > time.Hour || time.Until(on[0].Expires) < 59*time.Minute {
		t.Errorf("%+v", on)
	}
	off := url.Values{"name": {"hold-participant"}, "off": {"yes"}, "author": {"ann"}}
	if w := request(h, http.MethodPost, "/dashboard/flags", off); w.Code != http.StatusBadRequest || len(e.Flags()) != 1 {
		t.Error(w.Code, e.Flags())
	}
	off.Set("reason", "it is over")
	if w := request(h, http.MethodPost, "/dashboard/flags", off); w.Code != http.StatusSeeOther || len(e.Flags()) != 0 {
		t.Error(w.Code, e.Flags())
	}
	must(t, get(t, h, "/dashboard/audit"), "flag-on", "flag-off", "it is over", "(dashboard)")
}

// many is an executor of whose saga more was decided than one page shows.
type many struct{ *reference.Executor }

func (many) Audit(_ context.Context, q reference.AuditQuery) (a reference.Audit, err error) {
	for i := range 700 {
		if at := time.Unix(0, 0).Add(time.Duration(i) * time.Millisecond); q.Until.IsZero() || at.Before(q.Until) {
			a.Entries = append(a.Entries, reference.AuditEntry{At: at, Saga: "s", What: fmt.Sprintf("entry-%d.", i)})
		}
	}
	return a, nil
}

// Of what one page of the audit leaves out the next one shows.
func TestAuditPages(t *testing.T) {
	e, _ := open(t)
	h := dashboard.Handler(dashboard.Options{Owner: func() (dashboard.Executor, error) { return many{e}, nil }})
	earlier := regexp.MustCompile(`left out: <a href="([^"]*)"`)
	seen := map[string]bool{}
	pages := 0
	for path := "/dashboard/audit?saga=s"; path != ""; pages++ {
		page := get(t, h, path)
		for _, entry := range regexp.MustCompile(`entry-\d+\.`).FindAllString(page, -1) {
			seen[entry] = true
		}
		path = ""
		if m := earlier.FindStringSubmatch(page); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if len(seen) != 700 || pages != 3 {
		t.Errorf("%d entries on %d pages", len(seen), pages)
	}
}

// An end user is told in plain words how far a saga has got, if its template says so, and no more.
func TestProgress(t *testing.T) {
	p := testparticipant.New(t, nil)
	e, h := open(t)
	const text = `templates:
  shown: {retry: {max_attempts: 1, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 2000}, visibility: progress}
bindings: [{template: shown, saga: test, step: b}]
`
	if _, err := e.ChangePolicies(t.Context(), text, "", reference.By{}); err != nil {
		t.Fatal(err)
	}
	for id, name := range map[string]string{"s": "test", "hidden": "other"} {
		d := p.Define(id, "a compensatable", "b compensatable")
		d.Name = name
		submit(t, e, d)
		awaitStatus(t, e, id, saga.Completed)
	}
	page := get(t, h, "/progress/s")
	must(t, page, "This is done.", "<li>b: done</li>")
	if strings.Contains(page, "<li>a") || strings.Contains(page, "/dashboard/saga") || strings.Contains(page, "<nav") {
		t.Error(page)
	}
	nobody := request(h, http.MethodGet, "/progress/nobody", nil)
	if hidden := request(h, http.MethodGet, "/progress/hidden", nil); nobody.Code != http.StatusNotFound || hidden.Code != nobody.Code || hidden.Body.String() != nobody.Body.String() {
		t.Error(hidden.Code, nobody.Code, hidden.Body)
	}
}

// unreadable is an executor whose sagas can't be read for a moment.
type unreadable struct{ *reference.Executor }

func (unreadable) Progress(string) (reference.Progress, error) {
	return reference.Progress{}, fmt.Errorf("%w: can't read the store", reference.ErrUnavailable)
}

// While nobody can say how far a saga has got, an end user is told to look later: neither that there
// is no such saga, nor what is the matter, nor of other pages. These an end user is told of nowhere.
func TestProgressLater(t *testing.T) {
	e, _ := open(t)
	var owner dashboard.Executor
	h := dashboard.Handler(dashboard.Options{
		Token: token,
		Owner: func() (dashboard.Executor, error) {
			if owner == nil {
				return nil, fmt.Errorf("%w: standby: another executor owns the store", reference.ErrUnavailable)
			}
			return owner, nil
		},
		Describe: func(err error) (int, string) { return http.StatusServiceUnavailable, err.Error() },
	})
	internal := regexp.MustCompile(`<nav|href="/"|href="/dashboard/[^a]|store|standby|executor`)
	for _, owner = range []dashboard.Executor{nil, unreadable{e}} {
		w := request(h, http.MethodGet, "/progress/s", nil)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || internal.MatchString(w.Body.String()) {
			t.Errorf("%T: %d %v %s", owner, w.Code, w.Header(), w.Body)
		}
		must(t, w.Body.String(), "We can't look right now.", "Look again")
	}
	for _, path := range []string{"/progress/", "/progress/a/b"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if w := request(h, method, path, nil); w.Code != http.StatusNotFound || internal.MatchString(w.Body.String()) {
				t.Error(method, path, w.Code, w.Body)
			}
		}
	}
}
