package campaign

import (
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/results"
)

// exploreShop explores the example order service one fault deep, with a mistake planted in it.
func exploreShop(t *testing.T, bug string, change func(*ExploreOptions)) *results.Run {
	t.Helper()
	o := ExploreOptions{Settings: Defaults(), Depth: 1, Shrink: Shrink{On: true, MaxRuns: 60}}
	o.Workflow, o.Out, o.Settle = plantedShop(t, buildShop(t), bug), t.TempDir(), 8*time.Second
	change(&o)
	done, err := Explore(t.Context(), Host{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return done.Run
}

// TestExploreWorkflow: a workflow that begins anew after a kill is named, and its failures come
// back. So is one that takes any success for one: its mistake takes two faults, of which a journey
// has the first.
func TestExploreWorkflow(t *testing.T) {
	t.Parallel()
	for bug, property := range map[string]string{"trust-status": "wrong-reference", "restart-anew": "duplicate-effect"} {
		t.Run("bug="+bug, func(t *testing.T) {
			t.Parallel()
			run := exploreShop(t, bug, func(o *ExploreOptions) { o.MaxFailures = 10 })
			found(t, run, property)
			back := func(f results.Failure) bool { return f.Reproduced != nil && f.Reproduced.Hits > 0 }
			if property != "" && !slices.ContainsFunc(run.Failures, back) {
				t.Errorf("no failure came back: %+v", run.Errors)
			}
		})
	}
}

// TestExploreWorkflowInParts: two shards of an exploration learn the same of a workflow, and
// pass together.
func TestExploreWorkflowInParts(t *testing.T) {
	t.Parallel()
	var parts []*results.Run
	for i := range 2 {
		parts = append(parts, exploreShop(t, "", func(o *ExploreOptions) { o.Shard = results.Shard{I: i + 1, N: 2} }))
	}
	whole, err := results.Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	found(t, whole, "")
}
