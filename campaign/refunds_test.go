package campaign

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/results"
)

// refundsAre are the ways in which the service of testdata/refunds undoes one charge part by
// part, and the property that must name a mistake; none: it is right.
var refundsAre = []struct {
	name, bug, property string
	step                string   // that it tells of; empty: any
	plan                string   // empty: every kind of fault at every point
	participants        string   // empty: fenced
	edit                []string // of the file: old, new, …
}{
	{name: "items"},
	{name: "halves", bug: "halves", edit: []string{"crashable: true", "crashable: false"}},
	{name: "fee", bug: "fee", plan: refusedShip, edit: []string{"each: request", keptFee}},
	{name: "fee unsaid", bug: "fee", plan: refusedShip, property: "lost-compensation"},
	{name: "fee forgotten", plan: refusedShip, property: "inexact-compensation", edit: []string{"each: request", keptFee}},
	{name: "no key", bug: "no-key", plan: refusedShip + ", " + lostRefund, property: "duplicate-compensation", step: "charge.undo(2)", participants: "keyed", edit: []string{"  refund: {permanent: [403, 422], same_key: true}\n", ""}},
	{name: "forgets one", bug: "forget-last", plan: refusedShip, property: "lost-compensation"},
	{name: "too little", bug: "too-little", plan: refusedShip, property: "lost-compensation"},
	{name: "too much", bug: "too-much", plan: refusedShip, property: "inexact-compensation"},
	{name: "the whole after a part", bug: "whole", plan: refusedShip, property: "inexact-compensation"},
	{name: "the same, booked", bug: "whole", plan: refusedShip, property: "inexact-compensation", participants: "naive"},
	{name: "another payment", bug: "other", property: "wrong-reference"},
}

const (
	refusedShip = "{kind: reject, at: ship#1@receive}"
	lostRefund  = "{kind: lose, at: charge.undo(2)#1@response}"
)

const keptFee = `keeps: {transfer: {from: "card:${action.request.body.customer}", to: shop, amount: 50, unit: EUR}}
        each: request`

// TestRefundsInParts: a charge that is refunded in several parts is right if their sum is, with
// every failure point of each part struck; each planted mistake is named first.
func TestRefundsInParts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "refunds"), "./testdata/refunds")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	plain, err := os.ReadFile("testdata/refunds/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range refundsAre {
		name := strings.ReplaceAll(way.name, " ", "-")
		edits := append([]string{"env: {", `env: {REFUNDS_BUG: "` + way.bug + `", `}, way.edit...)
		file := filepath.Join(dir, name+".yaml")
		written(t, file, strings.NewReplacer(edits...).Replace(string(plain)))
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			o := RunOptions{Settings: Defaults(), Curated: true}
			o.Workflow, o.Out, o.Settle = file, t.TempDir(), 8*time.Second
			o.Participants = cmp.Or(way.participants, o.Participants)
			if way.property != "" {
				o.MaxFailures = 1
			}
			if way.plan != "" {
				o.Plan = filepath.Join(t.TempDir(), "plan.yaml")
				written(t, o.Plan, "faults: ["+way.plan+"]\n")
			}
			done, err := Run(t.Context(), Host{}, o)
			if err != nil {
				t.Fatal(err)
			}
			switch run := done.Run; {
			case way.property != "" && (len(run.Failures) == 0 || run.Failures[0].Property != way.property):
				t.Errorf("expected %s first, got %v (%v)", way.property, brokenIn(run), run.Summary.Reasons)
			case way.step != "" && run.Failures[0].Step != way.step:
				t.Errorf("%s of %s, expected of %s", way.property, run.Failures[0].Step, way.step)
			case way.property == "" && (len(run.Failures) > 0 || way.plan == "" && run.Summary.Exit != results.ExitPass):
				t.Errorf("%s: %v", run.Summary.Outcome, run.Summary.Reasons)
			}
		})
	}
}

// written writes a file of a test.
func written(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
