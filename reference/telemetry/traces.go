package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// traces exports spans.
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	out      *collector
	rules    *Rules
}

// How spans are gathered: a batch leaves after batchDelay at the latest. What finds the
// queue full is not exported: nobody waits for a collector.
const (
	batchDelay = 50 * time.Millisecond
	queueSize  = 16_384
	// exportPatience bounds how long a batch is tried; it is shorter than window, so that
	// what was on its way when a process was killed is exported by the next one.
	exportPatience = window / 2
)

func newTraces(o Options) (*traces, error) {
	u, err := url.Parse(o.OTLP)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q: expected the base URL of a collector, as http://127.0.0.1:4318", o.OTLP)
	}
	out := &collector{url: strings.TrimSuffix(o.OTLP, "/") + "/v1/traces", log: o.Logger}
	exporter, err := otlptrace.New(context.Background(), out)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(batchDelay), sdktrace.WithMaxQueueSize(queueSize), sdktrace.WithExportTimeout(exportPatience)),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "sagacheck-reference"), attribute.String("service.version", o.Version))),
		sdktrace.WithIDGenerator(given{}),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // who does not want a trace is asked before: Trace.Sampled
	)
	return &traces{provider: provider, tracer: provider.Tracer("github.com/sagacheck/sagacheck/reference"), out: out, rules: o.Rules}, nil
}

func (t *traces) close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// export hands a span over.
func (t *traces) export(s Span) {
	if !t.rules.Span(&s) {
		return
	}
	ctx := context.WithValue(context.Background(), given{}, s)
	if s.Parent != [8]byte{} {
		ctx = trace.ContextWithRemoteSpanContext(ctx, t.context(s.Trace, s.Parent))
	}
	options := []trace.SpanStartOption{trace.WithTimestamp(s.Start), trace.WithAttributes(s.Attributes...)}
	if s.Call {
		options = append(options, trace.WithSpanKind(trace.SpanKindClient))
	}
	for _, l := range s.Links {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: t.context(s.Trace, l)}))
	}
	_, span := t.tracer.Start(ctx, s.Name, options...)
	if s.Failed != "" {
		span.SetStatus(codes.Error, s.Failed)
	}
	span.End(trace.WithTimestamp(s.End))
}

func (*traces) context(id [16]byte, span [8]byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: trace.FlagsSampled, Remote: true})
}

// given names spans as the context says.
type given struct{}

var _ sdktrace.IDGenerator = given{}

// NewIDs names a span without a parent.
func (given) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	s := ctx.Value(given{}).(Span)
	return s.Trace, s.ID
}

// NewSpanID names a span of a trace.
func (given) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	return ctx.Value(given{}).(Span).ID
}

// collector sends spans by OTLP/HTTP, as protobuf. OpenTelemetry's own sender would bring
// all of gRPC with it.
type collector struct {
	url    string
	log    *slog.Logger
	client http.Client
	away   atomic.Bool // the last batch was not taken
	lost   atomic.Int64
}

var _ otlptrace.Client = (*collector)(nil)

// Start has nothing to do.
func (*collector) Start(context.Context) error { return nil }

// Stop closes what is idle.
func (c *collector) Stop(context.Context) error {
	c.client.CloseIdleConnections()
	return nil
}

// errRefused: trying again would not help.
var errRefused = errors.New("the collector refuses it")

// UploadTraces sends a batch, and again while that may help. What is lost is counted and
// logged once; it is no error of anybody's who could do something about it.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		err = c.post(ctx, body)
		if err == nil {
			if c.away.Swap(false) {
				c.log.Info("the collector takes traces again")
			}
			return nil
		}
		select {
		case <-time.After(wait):
			if !errors.Is(err, errRefused) {
				continue
			}
		case <-ctx.Done():
		}
		for _, r := range spans {
			for _, s := range r.ScopeSpans {
				c.lost.Add(int64(len(s.Spans)))
			}
		}
		if !c.away.Swap(true) {
			c.log.Warn("spans are lost: the collector does not take them", "error", err)
		}
		return nil
	}
}

func (c *collector) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // for the next request on this connection
	switch code := resp.StatusCode; {
	case code/100 == 2:
		return nil
	case code == http.StatusTooManyRequests, code >= 502 && code <= 504:
		return fmt.Errorf("answer %d", code)
	default:
		return fmt.Errorf("answer %d: %w", code, errRefused)
	}
}
