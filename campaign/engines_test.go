//go:build engines

package campaign

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

// exampleFlows are the example shops that are drawn in an engine's editor, and what must be
// found in each as it was first drawn. Of the points of the mended one a short test strikes one of
// so many as shards says.
var exampleFlows = map[string]struct {
	dir       string
	processes int
	settle    time.Duration
	shards    int
	finds     []string
}{
	"nodered": {"../examples/nodered-shop", 2, 20 * time.Second, 4, []string{"duplicate-effect", "orphaned-effect", "lost-compensation"}},
	"n8n":     {"../examples/n8n-shop", 1, 30 * time.Second, 10, []string{"duplicate-effect", "orphaned-effect"}},
}

// TestEnginesFlows tests exported flows unchanged: what is wrong with the drawn one is named,
// and the mended one passes at every failure point.
func TestEnginesFlows(t *testing.T) {
	for engine, flow := range exampleFlows {
		t.Run(engine, func(t *testing.T) {
			t.Parallel() // each engine is one process of one thread, and mostly begins anew
			run := func(file string, most int, part results.Shard) *results.Run {
				o := RunOptions{Settings: Defaults(), Curated: true, Shard: part}
				o.Workflow, o.Out, o.Settle, o.Processes, o.MaxFailures = filepath.Join(flow.dir, file), t.TempDir(), flow.settle, flow.processes, most
				began := time.Now()
				done, err := Run(t.Context(), Host{}, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s: %s, %d cells, %d faults, %s", file, done.Run.Summary.Outcome, done.Run.Totals.Cells, done.Run.Totals.FaultsFired, time.Since(began).Round(time.Second))
				return done.Run
			}
			drawn := brokenIn(run("workflow.yaml", 10, results.Shard{}))
			for _, property := range flow.finds {
				if !slices.Contains(drawn, property) {
					t.Errorf("drawn: named %v, expected %s among them", drawn, property)
				}
			}
			part := results.Shard{}
			if testing.Short() && flow.shards > 1 {
				part = results.Shard{I: 1, N: flow.shards}
			}
			if fixed := run("fixed.yaml", 0, part); fixed.Summary.Exit != results.ExitPass {
				t.Errorf("fixed: %s: %v", fixed.Summary.Outcome, fixed.Summary.Reasons)
			}
		})
	}
}

// TestEnginesFlowsGoOn kills an engine on a machine whose bash is slow to begin. The mended flow of Node-RED had
// a command of a shell find the orders that were under way: bash, with a socket for its input, read ~/.bashrc before
// it, which waited for a lock that a kill had left behind, and no saga went on.
func TestEnginesFlowsGoOn(t *testing.T) {
	slow := filepath.Join(t.TempDir(), "slow.sh")
	if err := os.WriteFile(slow, []byte("sleep 60\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BASH_ENV", slow)
	t.Run("nodered", func(t *testing.T) {
		flow := exampleFlows["nodered"]
		o := RunOptions{Settings: Defaults(), Plan: filepath.Join("testdata", "killed.yaml")}
		o.Workflow, o.Out, o.Settle = filepath.Join(flow.dir, "fixed.yaml"), t.TempDir(), flow.settle
		o.Properties = []string{"stuck-saga"}
		done, err := Run(t.Context(), Host{}, o)
		if err != nil {
			t.Fatal(err)
		}
		if done.Run.Summary.Exit != results.ExitPass || done.Run.Totals.FaultsFired == 0 {
			t.Errorf("%s, %d faults fired: %v", done.Run.Summary.Outcome, done.Run.Totals.FaultsFired, done.Run.Summary.Reasons)
		}
	})
}

var toldAndAsked = []string{"untraceable-call", "untruthful-metric", "broken-trace", "silent-rollback", "ignored-rollback", "over-credit"}

// heardEngines are engines whose manifests say how to hear them, or how operators ask, with a plan
// and what of each can be judged under it.
var heardEngines = map[string]struct {
	plan       string
	properties []string
}{
	"go-workflows": {"rolled-back.yaml", toldAndAsked},
	"temporal":     {"rolled-back.yaml", toldAndAsked},
	"dbos":         {"held.yaml", []string{"ignored-operator", "stuck-saga"}},
}

// TestEnginesHeard compares what engines say about themselves, and do for operators, with what
// was to be: a lost answer, a process that is paused or killed, and two operators.
func TestEnginesHeard(t *testing.T) {
	for engine, heard := range heardEngines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel() // most of it is waiting until the wires are silent
			o := RunOptions{Settings: Defaults(), Plan: filepath.Join("testdata", heard.plan)}
			o.Orchestrator, o.Scenarios, o.Properties, o.Out = engine, []string{"order"}, heard.properties, t.TempDir()
			done, err := Run(t.Context(), Host{}, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range done.Run.Properties {
				if p.AtRisk == 0 || p.Verdict == checkers.Violation {
					t.Errorf("%s: %s, at risk %d times: %s", p.Name, p.Verdict, p.AtRisk, p.Reason)
				}
			}
			for _, f := range done.Run.Failures {
				t.Errorf("%s: %s", f.Property, f.Broken)
			}
		})
	}
}
