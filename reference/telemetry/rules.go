package telemetry

import "log/slog"

// Rules are how facts become signals, in one table. A package of planted lies lays another
// function over one of them.
type Rules struct {
	// Count adds a fact to what is counted.
	Count func(c *Counts, f Fact)
	// Span may change a span before it is exported; false: it is not.
	Span func(s *Span) bool
	// Line tells whether a line is logged.
	Line func(r slog.Record) bool
}

// DefaultRules say what is so.
func DefaultRules() *Rules {
	return &Rules{
		Count: func(c *Counts, f Fact) { c.Take(f) },
		Span:  func(*Span) bool { return true },
		Line:  func(slog.Record) bool { return true },
	}
}
