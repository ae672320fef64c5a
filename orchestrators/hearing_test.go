package orchestrators

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

const talking = `name: x
version: "1"
base: http://127.0.0.1:${port.http}
capabilities: []
processes:
  - {name: server, command: [x, "${port.http}", "${otlp}"]}
telemetry:
  metrics: http://127.0.0.1:${port.http}/metrics
  names: {retries: 'tries_total{again="yes"}'}
  traces: {links: true}
  logs: {process: server, ends: {completed: done, compensated: undone}}
`

// Each mistake is told with its place, and a manifest without one says what it says.
func TestTelemetryOfAManifest(t *testing.T) {
	m, err := ParseManifest("x.yaml", []byte(talking))
	if err != nil {
		t.Fatal(err)
	}
	if want, got := []string{history.HasMetrics, history.HasTraces, history.LinkedTraces, history.HasLogs}, m.Telemetry.says(); !reflect.DeepEqual(want, got) {
		t.Errorf("got %v, expected %v", got, want)
	}
	for _, tt := range []struct{ old, with, want string }{
		{"tries_total{again=\"yes\"}", "tries_total{again=yes}", `telemetry.names.retries: "tries_total{again=yes}": expected name or name{label="value"}`},
		{"names: {retries", "names: {tries", `telemetry.names.tries: "tries": expected one of started`},
		{"  names: {retries: 'tries_total{again=\"yes\"}'}\n", "", "telemetry.names: expected where metrics are, and what they are called, together"},
		{"http://127.0.0.1:${port.http}/metrics", "/metrics", `telemetry.metrics: "/metrics": expected a URL`},
		{"process: server", "process: other", `telemetry.logs.process: "other": expected the name of one of the processes`},
		{"completed: done, ", "", "telemetry.logs.ends: expected what a line says at the end"},
		{"completed: done", "completed: done, running: on", "telemetry.logs.ends.running: expected completed, compensated or stuck"},
		{"  traces: {links: true}\n", "", `processes[0].command[2]: "${otlp}": expected telemetry.traces`},
	} {
		if !strings.Contains(talking, tt.old) {
			t.Fatal(tt.old)
		}
		_, err := ParseManifest("x.yaml", []byte(strings.Replace(talking, tt.old, tt.with, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "x.yaml:") {
			t.Errorf("%s: %v", tt.with, err)
		}
	}
}

// Spans come as protobuf or JSON, gzipped or not, and are the same; one that comes twice is
// there once.
func TestCollector(t *testing.T) {
	const jsonSpans = `{"resourceSpans":[{"scopeSpans":[{"spans":[{
		"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","parentSpanId":"c7ad6b7169203331","name":"POST a","kind":3,"flags":257,"newer":"field",
		"links":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"d7ad6b7169203331"}],
		"attributes":[{"key":"id","value":{"stringValue":"s1"}},{"key":"saga.step","value":{"stringValue":"a"}},{"key":"saga.direction","value":{"stringValue":"compensation"}},{"key":"n","value":{"intValue":"1"}}]}]}]}]}`
	id := func(first byte) []byte { return []byte{first, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31} }
	trace := []byte{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c}
	text := func(k, v string) *commonpb.KeyValue {
		return &commonpb.KeyValue{Key: k, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: v}}}
	}
	binary, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{
		TraceId: trace, SpanId: id(0xb7), ParentSpanId: id(0xc7), Name: "POST a", Links: []*tracepb.Span_Link{{TraceId: trace, SpanId: id(0xd7)}},
		Attributes: []*commonpb.KeyValue{text("id", "s1"), text("saga.step", "a"), text("saga.direction", "compensation")},
	}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []history.Event{{
		Kind: history.Telemetry, Saga: "s1", Step: "a", Direction: saga.Compensation, Trace: "0af7651916cd43dd8448eb211c80319c",
		Signal: &history.Signal{Span: "b7ad6b7169203331", Parent: "c7ad6b7169203331", Links: []string{"d7ad6b7169203331"}, Name: "POST a"},
	}}
	for name, body := range map[string][]byte{"application/json": []byte(jsonSpans), "application/x-protobuf": binary} {
		for _, zipped := range []bool{false, true} {
			c, err := startCollector(&Traces{Saga: "id"})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if code := export(t, c.url+"/v1/traces", name, body, zipped); code != http.StatusOK {
					t.Error(name, zipped, code)
				}
			}
			if want, got := want, c.of([]string{"other", want[0].Trace}); !reflect.DeepEqual(want, got) {
				t.Errorf("got %v, expected %v", got, want)
			}
			if code := export(t, c.url+"/v1/traces", name, []byte("{x"), zipped); code != http.StatusBadRequest {
				t.Error(name, code)
			}
			if code := export(t, c.url+"/v1/metrics", name, body, zipped); code != http.StatusOK {
				t.Error(name, code)
			}
			c.forget([]string{want[0].Trace})
			if left := c.of([]string{want[0].Trace}); len(left) != 0 {
				t.Error(left)
			}
			if err := c.close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func export(t *testing.T, url, contentType string, body []byte, zipped bool) int {
	t.Helper()
	var sent bytes.Buffer
	if zipped {
		z := gzip.NewWriter(&sent)
		_, _ = z.Write(body)
		_ = z.Close()
	} else {
		sent.Write(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, &sent)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if zipped {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// A metric is the sum of the series that fit; what counts nothing is 0.
func TestSample(t *testing.T) {
	text := "# TYPE tries_total counter\ntries_total{again=\"yes\",step=\"a\"} 3\ntries_total{again=\"yes\",step=\"b\"} 4\ntries_total{again=\"no\"} 50\n# TYPE waiting gauge\nwaiting 2\n"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	defer srv.Close()
	h := &Hearing{metrics: srv.URL, selectors: map[string]selector{}}
	for name, sel := range map[string]string{
		history.MetricRetries: `tries_total{again="yes"}`, history.MetricAttempts: "tries_total", history.MetricStuck: "waiting", history.MetricStarted: "none_total",
	} {
		s, err := parseSelector(sel)
		if err != nil {
			t.Fatal(err)
		}
		h.selectors[name] = s
	}
	got, err := h.Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, e := range got {
		values[e.Signal.Metric] = e.Signal.Value
	}
	want := map[string]float64{history.MetricRetries: 7, history.MetricAttempts: 57, history.MetricStuck: 2, history.MetricStarted: 0}
	if want, got := want, values; !reflect.DeepEqual(want, got) {
		t.Errorf("got %v, expected %v", got, want)
	}
	text = "tries_total{ 3"
	if _, err := h.Sample(t.Context()); err == nil || !strings.Contains(err.Error(), srv.URL) {
		t.Error(err)
	}
}

// Of the log counts what comes after a mark and is about one of the sagas.
func TestLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "server.log")
	write := func(lines string) {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(lines)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h := &Hearing{log: file, telemetry: &Telemetry{Logs: &Logs{Step: "activity", Ends: map[saga.Status]string{saga.Completed: "done"}}}}
	write(`{"msg":"attempt","saga":"s1","activity":"early","attempt":1}` + "\n")
	mark, err := h.Mark()
	if err != nil {
		t.Fatal(err)
	}
	write(`panic: no JSON` + "\n" + `{"msg":"attempt","saga":"s1","activity":"a","direction":"action","attempt":2}` + "\n" +
		`{"msg":"attempt","saga":"other","activity":"a"}` + "\n" + `{"msg":"well"}` + "\n" + `{"msg":"done","saga":"s1"}` + "\n" + `{"msg":"cut sh`)
	got, err := h.Lines(mark, func(id string) bool { return id == "s1" })
	if err != nil {
		t.Fatal(err)
	}
	want := []history.Event{
		{Kind: history.Telemetry, Saga: "s1", Step: "a", Direction: saga.Action, Attempt: 2, Signal: &history.Signal{Name: "attempt"}},
		{Kind: history.Telemetry, Saga: "s1", Status: saga.Completed, Signal: &history.Signal{Name: "done"}},
	}
	if want, got := want, got; !reflect.DeepEqual(want, got) {
		t.Errorf("got %v, expected %v", got, want)
	}
}
