package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

func TestVersionsByHTTP(t *testing.T) {
	e := openTest(t, reference.Options{})
	h := Handler(e)
	d := testparticipant.New(t, nil).Define("s", "a compensatable")
	d.Version = "2"
	if err := e.Submit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, e, "s", saga.Completed)
	for path, want := range map[string]string{
		"/sagas/s":              `"version":"2"`,
		"/sagas/s/preview":      `"version":"2"`,
		"/versions?name=test":   `{"versions":[{"name":"test","version":"2","sagas":1,"ends":{"completed":1},`,
		"/versions?name=other":  `{"versions":[]}`,
		"/dashboard/saga/s":     `<dt>Version</dt><dd>2</dd>`,
		"/?state=any&name=test": `<small>2</small>`,
	} {
		if got := get(h, path); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s: %d %s: want %s", path, got.Code, got.Body, want)
		}
	}
	if got := get(h, "/versions?since=soon"); got.Code != http.StatusBadRequest {
		t.Error(got.Code, got.Body)
	}
	for _, bad := range []string{strings.Repeat("1", 201), "1\n"} {
		d.ID, d.Version = "bad", bad
		if err := e.Submit(t.Context(), d); err == nil || !strings.HasPrefix(err.Error(), "version: ") {
			t.Error(err)
		}
	}
}
