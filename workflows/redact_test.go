package workflows

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What is to be hidden is nowhere in what is stored, in whatever shape it came.
func TestRedact(t *testing.T) {
	w := &Workflow{Redact: []string{"request.body.card", "request.headers.X-Secret"}}
	for _, body := range []string{
		`{"card":{"number":"4111","cvc":"4111"},"amount":1}`, `{"card":["1","4111"]}`, `{"a":[{"c\u0061rd":"4111"}]}`,
		`{"card":4111}`, `card=4111&amount=1`, `card 4111`, `{"card":"4111"`,
	} {
		seen := w.Seen("payments", Request{
			Method: "POST", Path: "/payments", Query: url.Values{"card": {"4111"}}, Body: []byte(body),
			Header: http.Header{"X-Secret": {"4111"}, "Authorization": {"4111"}},
		})
		for _, part := range []string{seen.Body, seen.Target, seen.Headers["X-Secret"], seen.Headers["Authorization"]} {
			if strings.Contains(part, "4111") || part == "" {
				t.Errorf("%s is stored as %q", body, part)
			}
		}
	}
	if got := w.redacted(`{"amount":9007199254740993}`); got != `{"amount":9007199254740993}` {
		t.Errorf("what is not hidden is stored as %s", got)
	}
}
