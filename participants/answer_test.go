package participants

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/garble"
)

// TestRetryAfterDate: the date is the first full second that is far enough away.
func TestRetryAfterDate(t *testing.T) {
	second := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		now  time.Time
		date string
		wait time.Duration
	}{
		{second, "Fri, 02 Jan 2026 03:04:07 GMT", 2 * time.Second},
		{second.Add(time.Millisecond), "Fri, 02 Jan 2026 03:04:08 GMT", 3*time.Second - time.Millisecond},
	} {
		a := Answer{Code: 503, RetryAfterS: 2, RetryAfterDate: true}.given(c.now)
		if date, wait := a.retryAfter(c.now); date != c.date || wait != c.wait {
			t.Errorf("%v: %s, %v", c.now, date, wait)
		}
	}
	if value, wait := (Answer{Code: 429, RetryAfterS: 2}).given(second).retryAfter(second); value != "2" || wait != 2*time.Second {
		t.Errorf("seconds: %s, %v", value, wait)
	}
	for value, want := range map[string]time.Duration{"7": 7 * time.Second, "Fri, 02 Jan 2026 03:04:08 GMT": 3 * time.Second, "Fri, 02 Jan 2026 03:04:01 GMT": 0, "soon": 0, "-1": 0} {
		real := Answer{Code: 429, Header: http.Header{"Retry-After": {value}}, Exact: true}
		if again, wait := real.retryAfter(second); again != "" || wait != want {
			t.Errorf("a real service's %q: %s, %v, want %v", value, again, wait, want)
		}
	}
}

func TestAnswersOnTheWire(t *testing.T) {
	for _, code := range []int{200, 201, 202, 204, 408, 425, 429, 502, 504} {
		w := httptest.NewRecorder()
		writeAnswer(w, Answer{Code: code, Title: http.StatusText(code)})
		if w.Code != code {
			t.Errorf("%d written as %d", code, w.Code)
		}
		if empty := w.Body.Len() == 0; empty != (code == http.StatusNoContent) {
			t.Errorf("%d: body %q", code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	writeAnswer(w, Answer{Code: 200, Garble: garble.Page, Body: []byte("<p>")})
	if w.Body.String() != "<p>" || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("a page is written as %q, %s", w.Body, w.Header())
	}
}
