package campaign

import (
	"context"
	"slices"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
)

// protectTries is how often the smallest case of a failure is run with each stronger protection.
const protectTries = 3

// stronger are the protections that participants might have had, from the least on. What protects the
// services of a workflow stands in its file.
func (x *session) stronger() []participants.Profile {
	if x.flow != nil {
		return nil
	}
	return participants.Profiles[slices.Index(participants.Profiles, x.profile)+1:]
}

// protect shows which protection would have prevented a failure that comes back in most replays: the same
// plan is run with each.
func (s *shrinker) protect(ctx context.Context, f Shrink, g *failure) {
	rate := g.smallestRate
	if rate.Hits == 0 { // nothing smaller was found
		rate = g.rate
	}
	if rate.Hits < steady || g.runs+protectTries*len(s.stronger()) > f.MaxRuns {
		return
	}
	for _, p := range s.stronger() {
		shown := s.tryWith(ctx, g, p, slices.Repeat([]planning.Case{g.smallest}, protectTries))
		if ctx.Err() != nil || g.err != nil {
			return
		}
		g.runs += protectTries
		broken := shown.rate()
		if broken.Tries < protectTries { // a fault missed, or it was not judged: that shows nothing
			continue
		}
		g.protected = append(g.protected, results.Protection{Participants: string(p), Broken: broken})
	}
}
