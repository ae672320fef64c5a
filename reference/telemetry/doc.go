// Package telemetry is what the reference executor says about itself: metrics for
// Prometheus, traces for an OpenTelemetry collector.
//
// Both follow from the records that have become durable, of all lives of the store, and
// from nothing else: a counter never forgets what a killed process had counted, and never
// counts what was not written down. Spans have names that follow from the saga, so that
// those which a killed process could not export any more are exported by the next one.
//
// Reading order: telemetry.go (what is told becomes facts), counts.go (facts that add up),
// life.go (what is so now), spans.go (spans as data), rules.go (where planted lies are laid
// over), metrics.go and traces.go (how they leave).
//
// Non-goals: metrics of the Go runtime, logs (package reference writes them), traces of
// anything but sagas.
package telemetry
