package dashboard_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/dashboard"
	"github.com/sagacheck/sagacheck/saga"
)

const token = "a-token-of-some-length"

// Without the token nothing is shown and nothing changes; with it, all is, by a cookie that a script
// can't read, that no other site has sent, and that does not tell the token.
func TestToken(t *testing.T) {
	p := testparticipant.New(t, stuck)
	e, _ := open(t)
	h := dashboard.Handler(dashboard.Options{
		Token:    token,
		Owner:    func() (dashboard.Executor, error) { return e, nil },
		Describe: func(err error) (int, string) { return http.StatusBadRequest, err.Error() },
	})
	submit(t, e, p.Define("s", "a compensatable", "b compensatable"))
	awaitStatus(t, e, "s", saga.Stuck)
	flag := url.Values{"name": {"drain"}, "minutes": {"15"}, "author": {"eve"}, "reason": {"fun"}}
	for _, header := range [][]string{nil, {"Authorization", "Bearer " + token + "x"}, {"Authorization", "Bearer "}, {"Cookie", "sagacheck-session-8080=" + token}, {"Cookie", "sagacheck-session-8080="}} {
		for _, path := range []string{"/", "/dashboard/saga/s", "/dashboard/saga/s/live", "/dashboard/live", "/dashboard/saga/s/end", "/dashboard/policies", "/dashboard/flags", "/dashboard/audit"} {
			if w := request(h, http.MethodGet, path, nil, header...); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/dashboard/login" || strings.Contains(w.Body.String(), "stuck") {
				t.Errorf("%v: %s: %d %s", header, path, w.Code, w.Body)
			}
		}
		for _, path := range []string{"/dashboard/flags", "/dashboard/saga/s/end"} {
			if w := request(h, http.MethodPost, path, flag, header...); w.Code != http.StatusUnauthorized {
				t.Errorf("%v: %s: %d", header, path, w.Code)
			}
		}
	}
	if len(e.Flags()) != 0 {
		t.Error(e.Flags())
	}
	must(t, get(t, h, "/dashboard/login"), `type="password"`)
	if w := request(h, http.MethodPost, "/dashboard/login", url.Values{"token": {"guess"}}); w.Code != http.StatusUnauthorized || w.Header().Get("Set-Cookie") != "" {
		t.Error(w.Code, w.Header())
	}
	w := request(h, http.MethodPost, "/dashboard/login", url.Values{"token": {token}})
	given := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(given) != 1 || !given[0].HttpOnly || given[0].SameSite != http.SameSiteStrictMode || strings.Contains(given[0].Value, token) {
		t.Fatal(w.Code, given)
	}
	for _, header := range [][]string{{"Cookie", given[0].Name + "=" + given[0].Value}, {"Authorization", "Bearer " + token}} {
		if w := request(h, http.MethodGet, "/", nil, header...); w.Code != http.StatusOK {
			t.Error(header, w.Code)
		}
		if w := request(h, http.MethodPost, "/dashboard/flags", flag, header...); w.Code != http.StatusSeeOther {
			t.Error(header, w.Code, w.Body)
		}
	}
	if len(e.Flags()) != 1 {
		t.Error(e.Flags())
	}
}

// A browser keeps cookies by host, whatever the port: who logs in to one executor stays logged in to another.
func TestTwoExecutorsOnOneHost(t *testing.T) {
	h := dashboard.Handler(dashboard.Options{Token: token, Owner: func() (dashboard.Executor, error) { return nil, errors.New("nobody") }})
	names := map[string]bool{}
	for _, host := range []string{"127.0.0.1:8080", "127.0.0.1:8081", "sagas.example"} {
		r := httptest.NewRequest(http.MethodPost, "/dashboard/login", strings.NewReader(url.Values{"token": {token}}.Encode()))
		r.Host = host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			names[c.Name] = true
		}
	}
	if len(names) != 3 {
		t.Error(names)
	}
}
