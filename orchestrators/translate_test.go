package orchestrators

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

func TestTranslator(t *testing.T) {
	m := loadMapping(t, `
submit: {url: "${base}/s"}
report: {url: "${base}/r", status: body}
calls:
  key: query.gid + "/" + query.op
  refused: {code: 409, body: FAILURE}
  busy: {code: 425}
`)
	var got http.Header
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		switch r.URL.Path {
		case "/refuse":
			w.WriteHeader(http.StatusUnprocessableEntity)
		case "/throttle":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/broken":
			panic(http.ErrAbortHandler)
		default:
			if b, err := io.ReadAll(r.Body); string(b) != `{"x":1}` || err != nil {
				t.Errorf("body %q, %v", b, err)
			}
			io.WriteString(w, "fine")
		}
	})
	tr, err := startTranslator(m.Calls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.stop)
	d := definition("s1")
	for _, path := range []string{"refuse", "throttle", "broken"} {
		s := d.Steps[0]
		s.Name, s.Action.URL = path, base+"/"+path
		d.Steps = append(d.Steps, s)
	}
	d.Steps[0].Action.URL, d.Steps[0].Action.Body = base+"/ok", []byte(`{"x":1}`)
	d.Steps[0].Compensation = &saga.Call{URL: base + "/ok", Body: []byte(`{"x":1}`)}
	sent := tr.rewrite(d)
	if sent.Steps[0].Action.URL == d.Steps[0].Action.URL || sent.Steps[0].Compensation.URL == base+"/ok" || d.Steps[0].Compensation.URL != base+"/ok" {
		t.Fatalf("rewritten: %+v", sent.Steps[0])
	}
	post := func(url string) (int, string) {
		resp, err := http.Post(url+"?gid=g1&op=undo", "text/plain", strings.NewReader("anything"))
		if err != nil {
			return 0, ""
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp.StatusCode, string(b)
	}
	if code, body := post(sent.Steps[0].Compensation.URL); code != 200 || body != "fine" {
		t.Errorf("done: %d %q", code, body)
	}
	if got.Get("Idempotency-Key") != "g1/undo" || got.Get("Saga-Id") != "s1" || got.Get("Saga-Step") != "one" {
		t.Errorf("headers %v", got)
	}
	for i, want := range map[int]int{1: 409, 2: 425, 3: 0} {
		if code, body := post(sent.Steps[i].Action.URL); code != want {
			t.Errorf("%s: %d %q: expected %d", d.Steps[i].Name, code, body, want)
		}
	}
	if code, _ := post(tr.base + "/unknown"); code != 404 {
		t.Errorf("unknown address: %d", code)
	}
}
