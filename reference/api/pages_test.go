package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/reference"
)

// The pages stand behind the same door as the rest, but ask for the token in a form; programs go on
// giving it with each request.
func TestPagesBehindTheDoor(t *testing.T) {
	f := newFront(Access{Token: "secret"}, openTest(t, reference.Options{}), nil)
	ask := func(method, host, path, authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(url.Values{"token": {"secret"}}.Encode()))
		r.Host = host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		return w
	}
	for _, tt := range []struct {
		method, host, path, authorization string
		code                              int
	}{
		{"GET", "evil.example", "/", "", http.StatusMisdirectedRequest},
		{"GET", "127.0.0.1", "/", "", http.StatusSeeOther},
		{"GET", "127.0.0.1", "/", "Bearer secret", http.StatusOK},
		{"GET", "127.0.0.1", "/dashboard/login", "", http.StatusOK},
		{"POST", "127.0.0.1", "/dashboard/login", "", http.StatusSeeOther},
		{"POST", "127.0.0.1", "/dashboard/flags", "", http.StatusUnauthorized},
		{"GET", "127.0.0.1", "/progress/nobody", "", http.StatusNotFound},
		{"GET", "127.0.0.1", "/sagas", "", http.StatusUnauthorized},
		{"GET", "127.0.0.1", "/nowhere", "Bearer secret", http.StatusNotFound},
		{"POST", "127.0.0.1", "/sagas/s/pause", "Bearer secret", http.StatusUnsupportedMediaType},
	} {
		if w := ask(tt.method, tt.host, tt.path, tt.authorization); w.Code != tt.code {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
	}
	// What the browser of somebody who has given the token sends opens the pages, and nothing else.
	given := ask("POST", "127.0.0.1", "/dashboard/login", "").Result().Cookies()
	for path, code := range map[string]int{"/": http.StatusOK, "/sagas": http.StatusUnauthorized} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "127.0.0.1"
		r.AddCookie(given[0])
		w := httptest.NewRecorder()
		if f.ServeHTTP(w, r); w.Code != code {
			t.Error(path, w.Code, w.Body)
		}
	}
}

// While there is no executor that owns the store, the pages say so.
func TestPagesOnStandby(t *testing.T) {
	if w := get(newFront(Access{}, nil, nil), "/"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "standby") {
		t.Error(w.Code, w.Body)
	}
}
