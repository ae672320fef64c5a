package live_test

import (
	"net/http/httptest"
	"testing"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/reports/live"
)

// What was planned and does not run is told, with its reason.
func TestWhatIsLeftOut(t *testing.T) {
	v := live.NewView()
	v.LeftOut("enough failures", 50)
	v.LeftOut("enough failures", 6)
	v.LeftOut("the system went away", 1)
	shows(t, live.Handler(v), "/", "<li>56 left out: enough failures</li>", "<li>1 left out: the system went away</li>")
}

// An exploration that is cut says so while it runs, and how many of its probes were hit.
func TestAnExplorationThatIsCut(t *testing.T) {
	o := tinyorch.New(tinyorch.Bugs{})
	t.Cleanup(o.Close)
	srv := httptest.NewServer(o)
	t.Cleanup(srv.Close)
	v := live.NewView()
	opts := campaign.ExploreOptions{Settings: campaign.Defaults(), Depth: 1, MaxPlans: 2}
	opts.Orchestrator, opts.Scenarios, opts.Out = srv.URL, []string{"single-step"}, t.TempDir()
	opts.Properties = []string{"duplicate-effect"}
	if _, err := campaign.Explore(t.Context(), host(v), opts); err != nil {
		t.Fatal(err)
	}
	lacks(t, shows(t, live.Handler(v), "/", "1 of 1 probe hit", " left out: more than --max-plans 2", "2 of 2 plans"), ": done")
}
