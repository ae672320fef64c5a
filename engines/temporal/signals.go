package main

import (
	"context"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"

	"github.com/sagacheck/sagacheck/engines/facade"
)

// counted has the SDK's metrics answered at GET /metrics.
func counted() (client.MetricsHandler, error) {
	out, err := prometheus.New()
	if err != nil {
		return nil, err
	}
	meter := metric.NewMeterProvider(metric.WithReader(out)).Meter("temporal-sdk-go")
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: meter}), nil
}

// traced sends the SDK's spans, and one of each call below that of its activity, to where
// OTEL_EXPORTER_OTLP_ENDPOINT says; nowhere, if it says nothing.
func traced(ctx context.Context) ([]interceptor.ClientInterceptor, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return nil, nil
	}
	out, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	p := trace.NewTracerProvider(trace.WithBatcher(out))
	facade.Trace(func(t http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(t, otelhttp.WithTracerProvider(p), otelhttp.WithPropagators(propagation.TraceContext{}))
	})
	i, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{Tracer: p.Tracer("temporal-sdk-go")})
	return []interceptor.ClientInterceptor{i}, err
}
