package orchestrators

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
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
	if got.Get("Idempotency-Key") != "g1/undo" || got.Get("Saga-Id") != "" || got.Get("Saga-Step") != "" {
		t.Errorf("headers %v: expected the engine's key, and nothing that it did not send", got)
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

// TestTranslatorAddsNothing: what arrives as the engine's is what it sent.
func TestTranslatorAddsNothing(t *testing.T) {
	m := loadMapping(t, `
submit: {url: "${base}/s"}
report: {url: "${base}/r", status: body}
calls:
  key: headers["X-Op"]
  body: 'query.op == "undo" ? body.undo : body.do'
`)
	var header http.Header
	var body string
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		header, body = r.Header, string(b)
		if err != nil {
			t.Error(err)
		}
	})
	tr, err := startTranslator(m.Calls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.stop)
	d := definition("s1")
	d.Steps[0].Action.URL = base
	url := tr.rewrite(d).Steps[0].Action.URL
	post := func(query, text string, header http.Header) int {
		req, err := http.NewRequest(http.MethodPost, url+query, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	const both = `{"do":{"n":9007199254740993},"undo":"{ \"as\" : \"text\" }"}`
	own := http.Header{"X-Op": {"k"}, "Saga-Id": {"mine"}, "Traceparent": {"00-1-2-01"}}
	if code := post("", both, own); code != 200 || body != `{"n":9007199254740993}` {
		t.Errorf("%d: body %s", code, body)
	}
	if header.Get("Saga-Id") != "mine" || header.Get("Traceparent") != "00-1-2-01" || header.Get("Idempotency-Key") != "k" || header.Get("Saga-Step") != "" {
		t.Errorf("headers %v", header)
	}
	if code := post("?op=undo", both, http.Header{}); code != 200 || body != `{ "as" : "text" }` || header.Values("Idempotency-Key") != nil {
		t.Errorf("%d: body %s, headers %v", code, body, header)
	}
	s := &started{manifest: &Manifest{Mapping: m}, sender: newSender(), translator: tr}
	t.Cleanup(s.sender.close)
	if code := post("", "no JSON", own); code != 500 {
		t.Errorf("a body that the mapping makes nothing of: %d", code)
	}
	_, _, err = s.Client(base).Report(t.Context(), "s1")
	if !Malformed(err) || !strings.Contains(err.Error(), "s1/one: mapping.calls.body: ") {
		t.Errorf("Report: %v", err)
	}
	if got := (&Manifest{Mapping: m}).supplied(); !slices.Equal(got, []string{history.SagaHeaders}) {
		t.Errorf("supplied: %v", got)
	}
	m.Calls.Body = ""
	if got := (&Manifest{Mapping: m}).supplied(); !slices.Equal(got, []string{history.SagaHeaders, history.CallBody}) {
		t.Errorf("supplied without a body: %v", got)
	}
}

func TestMadeUpKeysAreRefused(t *testing.T) {
	c := MappedCalls{Key: `"k"`}
	if err := c.compile("mapping.calls"); err == nil || !strings.Contains(err.Error(), `mapping.calls.key: "\"k\"": expected an expression over the engine's call`) {
		t.Error(err)
	}
}
