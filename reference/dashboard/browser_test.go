package dashboard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testbrowser"
	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/dashboard"
	"github.com/sagacheck/sagacheck/saga"
)

// An operator finds a saga that is stuck and one that hangs, sees what happened to each, rolls the
// one back, and finds that in the audit; sets a flag and lifts it. With the keyboard alone; no
// request leaves the origin of the pages, and nothing is wrong in the console.
func TestInABrowser(t *testing.T) {
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "down" {
			return http.StatusServiceUnavailable
		}
		return stuck(c)
	})
	e, h := open(t)
	for i := range 60 {
		d := p.Define(fmt.Sprintf("done-%02d", i), "x compensatable")
		submit(t, e, d)
	}
	submit(t, e, p.Define("stuck-1", "a compensatable", "b compensatable"))
	hangs := p.Define("hangs-1", "c compensatable", "down compensatable")
	hangs.Steps[1].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 60_000, Multiplier: 1, MaxIntervalMS: 60_000, AttemptTimeoutMS: 50}
	submit(t, e, hangs)
	awaitStatus(t, e, "stuck-1", saga.Stuck)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close) // once there is no browser any more that follows
	guarded := httptest.NewServer(dashboard.Handler(dashboard.Options{Token: token, Owner: func() (dashboard.Executor, error) { return e, nil }}))
	t.Cleanup(guarded.Close)
	b := testbrowser.Open(t, srv.URL)

	b.Visit("/")
	b.Reads("1 stuck", "60 ended", "hangs-1", "Stop following")
	b.Enter("1 stuck")
	b.Reads("stuck-1")
	b.Enter("stuck-1")
	b.Reads("answered 422", "End by hand…")
	b.Named()
	if strings.Contains(b.Text(), "Roll back…") {
		t.Error("a rollback is offered where one is under way")
	}

	b.Enter("Sagas")
	b.Enter("60 ended")
	b.Enter("Next page")
	b.Reads("done-59", "First page")
	b.Enter("Sagas")
	b.Fill("Text", "down")
	b.Enter("Find")
	b.Reads("hangs-1", "retrying")
	b.Enter("hangs-1")
	b.Reads("the wait of its policy", "answered 503", "Roll back…")
	b.Named()
	b.Enter("Roll back…")
	b.Reads("What was done is undone", "undo if it was done", "hangs-1/c/action")
	b.Named()
	b.Fill("Who asks", "ann")
	b.Fill("Why", "the customer has called")
	b.Enter("Go on")
	b.Reads("Is this what you want?", "the customer has called")
	b.Named()
	b.Enter("Roll back: I am sure")
	b.Reads("operator-rollback", "compensated") // the page follows
	awaitStatus(t, e, "hangs-1", saga.Compensated)

	b.Enter("Audit")
	b.Reads("Only what somebody asked for")
	b.Fill("Saga", "hangs-1")
	b.TabTo("Only what somebody asked for")
	b.Press(" ")
	b.Enter("Find")
	b.Reads("operator-rollback", "ann (dashboard): the customer has called")
	b.Named()

	b.Enter("Flags")
	b.Reads("None is.")
	b.TabTo("Flag")
	b.Press("no-r")
	b.Fill("Who sets it", "ann")
	b.Fill("Why", "their release")
	b.Enter("Set it")
	b.Reads("no-retries", "their release")
	b.Named()
	if on := e.Flags(); len(on) != 1 || on[0].Name != "no-retries" {
		t.Errorf("%+v", on)
	}
	b.Fill("Who lifts no-retries", "ann")
	b.Fill("Why no-retries is lifted", "over")
	b.Enter("Lift no-retries")
	b.Reads("None is.")
	b.Enter("Policies")
	b.Reads("There are none")
	b.Clean()

	b.At(guarded.URL)
	b.Visit("/dashboard/audit")
	b.Fill("Token of this server", token)
	b.Enter("Log in")
	b.Reads("1 stuck")
	b.Clean()
}
