package orchestrators

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// collector takes spans by OTLP/HTTP, as protobuf or JSON, and keeps them by trace.
// Metrics and logs that are sent the same way are taken, and not looked at.
type collector struct {
	url    string
	server *http.Server
	traces *Traces

	mu      sync.Mutex
	byTrace map[string]map[string]history.Event // by id
}

// maxExport bounds the bytes of one request.
const maxExport = 64 << 20

func startCollector(t *Traces) (*collector, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	c := &collector{url: "http://" + l.Addr().String(), traces: t, byTrace: map[string]map[string]history.Event{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", c.take)
	mux.HandleFunc("POST /v1/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxExport)) // nobody asks for it
		w.WriteHeader(http.StatusOK)
	})
	c.server = &http.Server{Handler: mux}
	go func() { _ = c.server.Serve(l) }() // ends with close
	return c, nil
}

func (c *collector) close() error { return c.server.Close() }

func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	data, err := decodeSpans(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range data.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				c.keep(s)
			}
		}
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	w.WriteHeader(http.StatusOK)
}

func decodeSpans(r *http.Request) (*tracepb.TracesData, error) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = z
	}
	body, err := io.ReadAll(io.LimitReader(in, maxExport))
	if err != nil {
		return nil, err
	}
	data := &tracepb.TracesData{} // as ExportTraceServiceRequest is on the wire, which would bring gRPC with it
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return data, proto.Unmarshal(body, data)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, data); err != nil {
		return nil, err
	}
	for _, rs := range data.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				for _, id := range []*[]byte{&s.TraceId, &s.SpanId, &s.ParentSpanId} {
					*id = fromJSON(*id)
				}
				for _, l := range s.GetLinks() {
					l.TraceId, l.SpanId = fromJSON(l.TraceId), fromJSON(l.SpanId)
				}
			}
		}
	}
	return data, nil
}

// fromJSON undoes what protojson has made of an id: OTLP writes ids in hexadecimal, and
// protojson reads them as base64, without complaint.
func fromJSON(id []byte) []byte {
	b, err := hex.DecodeString(base64.StdEncoding.EncodeToString(id))
	if err != nil {
		return id
	}
	return b
}

// keep keeps a span; the same one once more changes nothing.
func (c *collector) keep(s *tracepb.Span) {
	trace, id := hex.EncodeToString(s.GetTraceId()), hex.EncodeToString(s.GetSpanId())
	signal := &history.Signal{Span: id, Name: s.GetName()}
	if slices.ContainsFunc(s.GetParentSpanId(), func(b byte) bool { return b != 0 }) {
		signal.Parent = hex.EncodeToString(s.GetParentSpanId())
	}
	for _, l := range s.GetLinks() {
		signal.Links = append(signal.Links, hex.EncodeToString(l.GetSpanId()))
	}
	e := history.Event{Kind: history.Telemetry, Trace: trace, Signal: signal}
	ofSaga, ofStep, ofDirection := c.traces.attributes()
	for _, kv := range s.GetAttributes() {
		switch v := textOf(kv.GetValue()); kv.GetKey() {
		case ofSaga:
			e.Saga = v
		case ofStep:
			e.Step = v
		case ofDirection:
			e.Direction = saga.Direction(v)
		}
	}
	if c.byTrace[trace] == nil {
		c.byTrace[trace] = map[string]history.Event{}
	}
	c.byTrace[trace][id] = e
}

func textOf(v *commonpb.AnyValue) string {
	if s, ok := v.GetValue().(*commonpb.AnyValue_StringValue); ok {
		return s.StringValue
	}
	return ""
}

// of gives the spans of traces, in the order of their ids.
func (c *collector) of(traces []string) (all []history.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range traces {
		for _, e := range c.byTrace[t] {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b history.Event) int {
		return strings.Compare(a.Trace+a.Signal.Span, b.Trace+b.Signal.Span)
	})
	return all
}

func (c *collector) forget(traces []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range traces {
		delete(c.byTrace, t)
	}
}
