package campaign

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// shopWith writes a file of the example order service with a planted mistake.
func shopWith(t testing.TB, dir, name, bug string) string {
	t.Helper()
	plain, err := os.ReadFile("../examples/shop/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	planted := strings.Replace(string(plain), "env:\n", "env:\n        SHOP_BUG: \""+bug+"\"\n", 1)
	if err := os.WriteFile(file, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCompareWorkflows: the wrong version and the mended one have a row each, though they
// have one name; a finding of the wrong one, replayed against the mended one, is none.
func TestCompareWorkflows(t *testing.T) {
	t.Parallel()
	dir := buildShop(t)
	wrong, mended := shopWith(t, dir, "wrong.yaml", "refund-short"), shopWith(t, dir, "mended.yaml", "")
	o := CompareOptions{Settings: Defaults(), Workflows: []string{wrong, mended}, Profiles: []string{"fenced"}, Replays: 1, Plans: 20}
	o.Out = t.TempDir()
	done, err := Compare(t.Context(), Host{}, o)
	if err != nil {
		t.Fatal(err)
	}
	if done.Run.Summary.Exit != results.ExitPass {
		t.Errorf("a complete matrix: %v", done.Run.Summary.Reasons)
	}
	found, _ := done.Run.Comparison.Mark(wrong, "fenced", "inexact-compensation")
	if found.Mark != results.IsViolated || found.Replays == nil || found.Replays.Hits != 1 {
		t.Errorf("%s: %+v", wrong, found)
	}
	if m, _ := done.Run.Comparison.Mark(mended, "fenced", "inexact-compensation"); m.Mark != results.Holds {
		t.Errorf("%s: %+v", mended, m)
	}
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(plan, []byte("faults:\n  - {kind: reject, at: ship#1@receive}\n  - {kind: lose, at: reserve(2)#1@response}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, broken := range map[string]bool{wrong: true, mended: false} {
		r := RunOptions{Settings: Defaults(), Plan: plan}
		r.Workflow, r.Out = file, t.TempDir()
		done, err := Run(t.Context(), Host{}, r)
		if err != nil {
			t.Fatal(err)
		}
		if n := done.Run.Totals; n.Cells != 1 || n.FaultsFired != 2 || (n.Violated == 1) != broken {
			t.Errorf("%s under a plan of the user's own: %+v", file, n)
		}
	}
}

// TestReplayOtherVersion: a failure of the wrong version is run against the file that is
// given, not against the one it was found with.
func TestReplayOtherVersion(t *testing.T) {
	t.Parallel()
	dir := buildShop(t)
	wrong, mended := shopWith(t, dir, "wrong.yaml", "refund-short"), shopWith(t, dir, "mended.yaml", "")
	plan := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(plan, []byte("faults:\n  - {kind: reject, at: ship#1@receive}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := RunOptions{Settings: Defaults(), Plan: plan}
	o.Workflow, o.Out = wrong, t.TempDir()
	done, err := Run(t.Context(), Host{}, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Run.Failures) == 0 || done.Run.Failures[0].Replay == nil {
		t.Fatalf("nothing to replay: %v", done.Run.Summary.Reasons)
	}
	text, err := done.Run.Failures[0].Replay.Encode("")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "replay.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r := ReplayOptions{Settings: Defaults(), File: file, Times: 1, Given: []string{"workflow"}}
	r.Workflow, r.Out = mended, t.TempDir()
	var said []string
	again, err := Replay(t.Context(), Host{Say: func(line string) { said = append(said, line) }}, r)
	if err != nil {
		t.Fatal(err)
	}
	if n := again.Run.Totals; n.Cells != 1 || n.Violated != 0 || n.FaultsFired != 1 {
		t.Errorf("the mended one: %+v", n)
	}
	if !strings.Contains(strings.Join(said, "\n"), "is not the file that the failure was found with") {
		t.Errorf("said: %q", said)
	}
	r.Given = []string{"orchestrator"}
	if _, err := Replay(t.Context(), Host{}, r); err == nil || !strings.Contains(err.Error(), "it is of a workflow") {
		t.Errorf("against an orchestrator: %v", err)
	}
}

// TestCompareWorkflowsRefuses: what can't be compared is said before anything runs.
func TestCompareWorkflowsRefuses(t *testing.T) {
	shop := "../examples/shop/workflow.yaml"
	for want, files := range map[string][]string{
		"is the same file as":                 {shop, "../examples/../examples/shop/workflow.yaml"},
		"expected two files or more":          {shop},
		"missing.yaml: there is no such file": {shop, "missing.yaml"},
	} {
		o := CompareOptions{Settings: Defaults(), Workflows: files, Profiles: []string{"fenced"}}
		o.Out = t.TempDir()
		_, err := Compare(t.Context(), Host{}, o)
		var exit *Error
		if !errors.As(err, &exit) || exit.Exit != results.ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v: expected a mistake of the caller: %s", files, err, want)
		}
	}
}
