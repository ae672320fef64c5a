package planning

import "context"

// Try runs cases side by side and tells for each whether it failed in the same
// way as the first one did.
type Try func(ctx context.Context, cases []Case) []bool

// Shrinker looks for a small case that fails in the same way.
type Shrinker struct {
	// Try runs cases.
	Try Try
	// MaxTries is how many cases may be tried at the most.
	MaxTries int
	// Batch is how many are tried side by side.
	Batch int
}

// Shrink goes from a failing case to smaller ones for as long as one of them
// fails, and returns the last, with the number of cases that were tried. No case
// is tried twice. Of cases that were tried side by side it takes the boldest, so
// that the result does not depend on which ended first.
func (s Shrinker) Shrink(ctx context.Context, c Case) (smallest Case, tries int) {
	seen := map[string]bool{c.key(): true}
	for {
		next, ok := s.step(ctx, c, seen, &tries)
		if !ok {
			return c, tries
		}
		c = next
	}
}

// step finds a smaller case that fails.
func (s Shrinker) step(ctx context.Context, c Case, seen map[string]bool, tries *int) (Case, bool) {
	var fresh []Case
	for _, d := range c.Smaller() {
		if k := d.key(); !seen[k] {
			seen[k] = true
			fresh = append(fresh, d)
		}
	}
	for len(fresh) > 0 && *tries < s.MaxTries && ctx.Err() == nil {
		n := min(max(s.Batch, 1), len(fresh), s.MaxTries-*tries)
		batch := fresh[:n]
		fresh = fresh[n:]
		*tries += n
		for i, failed := range s.Try(ctx, batch) {
			if failed {
				return batch[i], true
			}
		}
	}
	return c, false
}
