package orchestrators

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/internal/jsonvalue"
	"github.com/sagacheck/sagacheck/saga"
)

const exampleMapping = `
ready: {url: "${base}/ping", accepted: body == "pong"}
submit:
  url: ${base}/workflows?name=${saga.name}
  headers: {X-Tenant: "t-${saga.id}"}
  body:
    kind: saga
    count: ${len(saga.steps)}
    tasks: '${map(saga.steps, { {"name": .name, "needs": .after, "payload": json(.action.body)} })}'
  accepted: code == 201
  id: body.workflow.id
report:
  url: ${base}/workflows/${id}
  unknown: body.error == "gone"
  status: body.state
  statuses: {RUN: running, OK: completed, UNDONE: compensated}
  steps: 'map(body.tasks ?? [], { {"name": .n, "status": .ok ? "succeeded" : "failed", "attempts": 1} })'
compensate: {method: PUT, url: "${base}/workflows/${id}/undo"}
`

func loadMapping(t *testing.T, text string) *Mapping {
	t.Helper()
	var m Mapping
	if err := yaml.UnmarshalWithOptions([]byte(text), &m, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := m.compile(); err != nil {
		t.Fatal(err)
	}
	return &m
}

func TestMapping(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.String() {
		case "GET /ping":
			io.WriteString(w, "pong")
		case "POST /workflows?name=test":
			var got map[string]any
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Error(err)
			}
			b, err := json.Marshal(got)
			if want := `{"count":2,"kind":"saga","tasks":[{"name":"one","needs":[],"payload":"{\"x\":1}"},{"name":"two","needs":["one"],"payload":"null"}]}`; string(b) != want || err != nil {
				t.Errorf("body %s", b)
			}
			if h := r.Header.Get("X-Tenant"); h != "t-s1" {
				t.Errorf("X-Tenant %q", h)
			}
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, `{"workflow":{"id":"w-77"}}`)
		case "GET /workflows/w-77":
			io.WriteString(w, `{"state":"OK","tasks":[{"n":"one","ok":true},{"n":"two","ok":true}]}`)
		case "GET /workflows/lost":
			io.WriteString(w, `{"error":"gone"}`)
		case "PUT /workflows/w-77/undo":
			w.WriteHeader(http.StatusNoContent)
		default:
			io.WriteString(w, `{"state":"WAT"}`)
		}
	})
	s := &started{manifest: &Manifest{Mapping: loadMapping(t, exampleMapping)}, sender: newSender()}
	t.Cleanup(s.sender.close)
	c := s.Client(base)
	if err := c.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	d := definition("s1")
	d.Steps[0].Action.Body = json.RawMessage(`{"x":1}`)
	d.Steps = append(d.Steps, d.Steps[0])
	d.Steps[1].Name, d.Steps[1].Action.Body = "two", nil
	if code, err := c.Submit(t.Context(), d); code != 202 || err != nil {
		t.Fatalf("Submit = %d, %v", code, err)
	}
	other := s.Client(base + "/") // knows the ids, too
	r, code, err := other.Report(t.Context(), "s1")
	if err != nil || code != 200 || r.ID != "s1" || r.Status != saga.Completed || len(r.Steps) != 2 || r.Steps[0].Status != saga.StepSucceeded {
		t.Errorf("Report = %+v, %d, %v", r, code, err)
	}
	if code, err := other.Compensate(t.Context(), "s1"); code != 202 || err != nil {
		t.Errorf("Compensate = %d, %v", code, err)
	}
	if _, code, err := c.Report(t.Context(), "lost"); code != 404 || err != nil {
		t.Errorf("unknown: %d, %v", code, err)
	}
	if _, _, err := c.Report(t.Context(), "odd"); err == nil || !strings.Contains(err.Error(), `status "WAT" is not among the statuses`) {
		t.Errorf("odd: %v", err)
	}
}

func TestMappingRefusals(t *testing.T) {
	m := loadMapping(t, `
submit: {url: "${base}/s", body: {}, accepted: body.ok}
report: {url: "${base}/r", status: body}
`)
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/s" {
			io.WriteString(w, `{"ok":false,"why":"full"}`)
			return
		}
		http.Error(w, "down", http.StatusServiceUnavailable)
	})
	s := &started{manifest: &Manifest{Mapping: m}, sender: newSender()}
	t.Cleanup(s.sender.close)
	c := s.Client(base)
	if code, err := c.Submit(t.Context(), definition("s1")); code != 502 || err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("Submit = %d, %v", code, err)
	}
	if _, code, err := c.Report(t.Context(), "s1"); code != 503 || err == nil || !strings.Contains(err.Error(), "down") {
		t.Errorf("Report = %d, %v", code, err)
	}
	if code, err := c.Compensate(t.Context(), "s1"); code != 501 || err == nil {
		t.Errorf("Compensate = %d, %v", code, err)
	}
	if err := c.Ready(t.Context()); err == nil {
		t.Error("ready although it answers 503")
	}
}

// TestMappedBodiesAreExact: what a mapping passes on says the same to the last
// digit, as part of the saga and as text.
func TestMappedBodiesAreExact(t *testing.T) {
	m := loadMapping(t, `
submit: {url: "${base}/s", body: {saga: "${saga}", text: "${json(saga.steps[0].action.body)}", half: "${saga.steps[0].action.body.amount / 2}"}}
report: {url: "${base}/r", status: body}
`)
	body := `{ "amount": 4200, "note": {"n":9007199254740993,"rate":0.1000000000000000055511151231257827,"x":[1.50e2],"t":"R\u00e9 \/ <&>"} }`
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var got struct {
			Saga saga.Definition
			Text string
			Half float64
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		for _, text := range []string{string(got.Saga.Steps[0].Action.Body), got.Text} {
			if d := jsonvalue.Difference([]byte(text), []byte(body)); d != "" {
				t.Error(d)
			}
		}
		if got.Half != 2100 {
			t.Error(got.Half)
		}
	})
	s := &started{manifest: &Manifest{Mapping: m}, sender: newSender()}
	t.Cleanup(s.sender.close)
	d := definition("s1")
	d.Steps[0].Action.Body = json.RawMessage(body)
	if code, err := s.Client(base).Submit(t.Context(), d); code != 202 || err != nil {
		t.Errorf("Submit = %d, %v", code, err)
	}
}

// TestUnfitMappings: an answer of which the mapping makes nothing is told at once,
// with the field and the words; an error page of a gateway is not.
func TestUnfitMappings(t *testing.T) {
	const rest = `
submit: {url: "${base}/s", body: {}}
report: {url: "${base}/r", status: body.state, statuses: {RUN: running, OK: completed}}
`
	for _, c := range []struct {
		mapping, answer string
		code            int
		malformed       bool
		want            string
	}{
		{rest, `{"state":"PAUSED"}`, 200, true, `mapping.report.statuses: status "PAUSED" is not among the statuses of the mapping: expected one of ["OK" "RUN"]`},
		{rest, `{"status":"OK"}`, 200, true, `mapping.report.status: "body.state" is not in the answer`},
		{rest, `ok`, 200, true, "mapping.report.status: "},
		{rest, `bad gateway`, 502, false, "answered 502"},
		{strings.Replace(rest, ", statuses: {RUN: running, OK: completed}", "", 1), `{"state":"OK"}`, 200, true, `status "OK" is no word of the contract`},
		{strings.Replace(rest, "status: body.state", "steps: 'body.steps[7]', status: body.state", 1), `{"state":"OK","steps":[]}`, 200, true, "mapping.report.steps: "},
		{strings.Replace(rest, "status: body.state", "unknown: body.gone, status: body.state", 1), `{"state":"OK"}`, 200, true, "mapping.report.unknown: expected true or false"},
	} {
		base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.code)
			io.WriteString(w, c.answer)
		})
		s := &started{manifest: &Manifest{Mapping: loadMapping(t, c.mapping)}, sender: newSender()}
		_, _, err := s.Client(base).Report(t.Context(), "s1")
		if err == nil || !strings.Contains(err.Error(), c.want) || Malformed(err) != c.malformed {
			t.Errorf("%s: %v (malformed %v), want %s", c.answer, err, Malformed(err), c.want)
		}
		s.sender.close()
	}
}

// TestUnfitSubmissions are told at once, too, and so is a ready check that fails.
func TestUnfitSubmissions(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"x":1}`) })
	for _, c := range []struct{ fields, want string }{
		{"accepted: body.x.y", "mapping.submit.accepted: "},
		{"accepted: body.ok", "mapping.submit.accepted: expected true or false"},
		{"id: body.id", "mapping.submit.id: is not in the answer"},
	} {
		m := loadMapping(t, `
ready: {url: "${base}", accepted: body.x.y}
submit: {url: "${base}", body: {}, `+c.fields+`}
report: {url: "${base}", status: body}
`)
		s := &started{manifest: &Manifest{Name: "mine", Mapping: m}, sender: newSender(), base: base}
		if _, err := s.Client(base).Submit(t.Context(), definition("s1")); !Malformed(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.fields, err)
		}
		if err := s.up(t.Context()); !Malformed(err) || !strings.Contains(err.Error(), "mapping.ready.accepted: ") {
			t.Errorf("ready: %v", err)
		}
		s.sender.close()
	}
}
