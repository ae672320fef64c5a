package telemetry

import (
	"context"
	"log/slog"
	"slices"
)

// Rules are how facts become signals, in one table. A package of planted lies lays another
// function over one of them.
type Rules struct {
	// Count adds a fact to what is counted.
	Count func(c *Counts, f Fact)
	// Span may change a span before it is exported; false: it is not.
	Span func(s *Span) bool
	// Line tells whether a line is logged: what has happened, and what it is about.
	Line func(event string, about map[string]string) bool
}

// DefaultRules say what is so.
func DefaultRules() *Rules {
	return &Rules{
		Count: func(c *Counts, f Fact) { c.Take(f) },
		Span:  func(*Span) bool { return true },
		Line:  func(string, map[string]string) bool { return true },
	}
}

// Handler logs the lines that are to be.
func (r *Rules) Handler(h slog.Handler) slog.Handler { return &handler{Handler: h, rules: r} }

type handler struct {
	slog.Handler
	rules *Rules
	about []slog.Attr
}

// Handle logs a line, or does not.
func (h *handler) Handle(ctx context.Context, line slog.Record) error {
	about := map[string]string{}
	add := func(a slog.Attr) bool {
		about[a.Key] = a.Value.String()
		return true
	}
	for _, a := range h.about {
		add(a)
	}
	line.Attrs(add)
	if !h.rules.Line(line.Message, about) {
		return nil
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs is the handler of lines that are about something.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{Handler: h.Handler.WithAttrs(attrs), rules: h.rules, about: slices.Concat(h.about, attrs)}
}
