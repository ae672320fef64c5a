package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

type action struct {
	Inputs  map[string]struct{ Description, Default string }
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, If, Shell, Run, Uses string
			Env, With                map[string]any
		}
	}
}

func readAction(t *testing.T) (a action) {
	t.Helper()
	b, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// actionRun is what a job sees of the action.
type actionRun struct {
	code            int
	verdict, report string
	summary, said   string
}

var expression = regexp.MustCompile(`\$\{\{ *([a-z_.-]+) *\}\}`)

// runAction carries out the steps of action.yml as a runner does, in dir, but for other people's
// actions. With hit, the cache has the program: what is built is left out. During is called when the step
// that runs the program has begun.
func runAction(t *testing.T, dir string, hit bool, with map[string]string, program func(folder string), during func(cmd *exec.Cmd)) (r actionRun) {
	t.Helper()
	a := readAction(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile("../../scripts/action.sh"); err != nil { // so that its changes are looked at by go test
		t.Fatal(err)
	}
	values := map[string]string{"github.action_path": root}
	for name, input := range a.Inputs {
		values["inputs."+name] = input.Default
	}
	for name, value := range with {
		if _, there := a.Inputs[name]; !there {
			t.Fatalf("action.yml has no input %q", name)
		}
		values["inputs."+name] = value
	}
	fill := func(s any) string {
		return expression.ReplaceAllStringFunc(fmt.Sprint(s), func(e string) string { return values[expression.FindStringSubmatch(e)[1]] })
	}
	summary := filepath.Join(t.TempDir(), "summary")
	for i, step := range a.Runs.Steps {
		if step.Uses != "" || hit && strings.Contains(step.If, "cache-hit") {
			continue
		}
		if step.Shell != "bash" {
			t.Fatalf("step %d has the shell %q", i+1, step.Shell)
		}
		if step.ID == "run" && program != nil {
			program(values["steps.sources.outputs.folder"])
		}
		outputs := filepath.Join(t.TempDir(), "outputs")
		cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", fill(step.Run))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GITHUB_ACTION_PATH="+root, "RUNNER_TEMP="+filepath.Join(dir, "temp"),
			"GITHUB_OUTPUT="+outputs, "GITHUB_STEP_SUMMARY="+summary)
		for name, value := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+fill(value))
		}
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if step.ID == "run" && during != nil {
			during(cmd)
		}
		err := cmd.Wait()
		r.said += said.String()
		r.code = cmd.ProcessState.ExitCode()
		b, _ := os.ReadFile(outputs) // a step without any writes none
		for line := range strings.Lines(string(b)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			values["steps."+step.ID+".outputs."+name] = value
		}
		if err != nil {
			break
		}
	}
	b, _ := os.ReadFile(summary) // without a report there is none
	r.summary = string(b)
	r.verdict, r.report = fill(a.Outputs["verdict"].Value), fill(a.Outputs["report"].Value)
	if code := fill(a.Outputs["exit-code"].Value); code != fmt.Sprint(r.code) {
		t.Errorf("the output exit-code is %q after exit %d: %s", code, r.code, r.said)
	}
	return r
}

// The action builds the program and runs it; its outputs and the page of the job say what was found.
func TestActionFindsAViolation(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lost.yaml"), []byte("faults:\n  - kind: lose\n    at: charge#1@response\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := runAction(t, dir, false, map[string]string{
		"scenario": "order", "plan": "lost.yaml", "participants": "naive", "property": "duplicate-effect", "args": "--settle\n10s",
	}, nil, nil)
	if r.code != 1 || r.verdict != "violation" {
		t.Fatalf("exit %d, verdict %q: expected a violation\n%s", r.code, r.verdict, r.said)
	}
	if !strings.Contains(r.summary, "duplicate-effect") {
		t.Errorf("the summary is %q", r.summary)
	}
	if _, err := os.Stat(filepath.Join(dir, r.report, "junit.xml")); err != nil {
		t.Errorf("report %q: %v", r.report, err)
	}
}

// Inputs are arguments and never code, an input that is empty is no flag, and each exit code has its word.
func TestActionPassesArguments(t *testing.T) {
	for code, verdict := range map[int]string{0: "none", 1: "none", 2: "none", 3: "usage", 4: "system", 130: "interrupted"} {
		dir := t.TempDir()
		script := fmt.Sprintf("#!/bin/sh\nfor a; do echo \"[$a]\"; done\nexit %d\n", code)
		r := runAction(t, dir, true, map[string]string{"scenario": "a b", "wait-for": "$(touch x)", "args": "\n--log\n`touch x`; touch x\n"}, func(folder string) {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "sagacheck"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}, nil)
		const want = "[run]\n[--scenario]\n[a b]\n[--wait-for]\n[$(touch x)]\n[--log]\n[`touch x`; touch x]\n"
		if r.code != code || r.verdict != verdict || r.report != "" || r.said != want {
			t.Errorf("exit %d, %q, report %q, said\n%sexpected %d, %q, none, and\n%s", r.code, r.verdict, r.report, r.said, code, verdict, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
			t.Error("an input was run")
		}
	}
}

// The verdict is that of the report, whatever --fail-on makes of the exit code; and a job that is cancelled
// has the report of what was judged by then.
func TestActionTellsTheVerdict(t *testing.T) {
	own := func(folder string) {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		self, err := os.Executable()
		if err == nil {
			err = os.Symlink(self, filepath.Join(folder, "sagacheck")) // TestMain goes by the name
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	with := map[string]string{"scenario": "order", "args": "--runs\n1\n--curated=false\n--fail-on\nviolation"}
	if r := runAction(t, t.TempDir(), true, with, own, nil); r.code != 0 || r.verdict != "vacuous" || !strings.HasPrefix(r.report, "sagacheck-out/") {
		t.Errorf("exit %d, verdict %q, report %q: expected 0, vacuous and a report\n%s", r.code, r.verdict, r.report, r.said)
	}
	with["args"] = "--runs\n100000"
	dir := t.TempDir()
	cancel := func(cmd *exec.Cmd) {
		for cells := []string(nil); len(cells) == 0; {
			time.Sleep(20 * time.Millisecond)
			cells, _ = filepath.Glob(filepath.Join(dir, "sagacheck-out", "*", "cells.jsonl")) // the pattern is right
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil { // as a runner does: to the shell alone
			t.Error(err)
		}
	}
	if r := runAction(t, dir, true, with, own, cancel); r.code != 130 || r.verdict != "interrupted" || r.report == "" {
		t.Errorf("exit %d, verdict %q, report %q: expected 130, interrupted and a report\n%s", r.code, r.verdict, r.report, r.said)
	}
}

// What the action passes on are flags of the command, and the page names its outputs.
func TestActionHasFlagsOfRun(t *testing.T) {
	a := readAction(t)
	run, _, err := newRoot(process{getenv: func(string) string { return "" }}).Find([]string{"run"})
	if err != nil {
		t.Fatal(err)
	}
	for name := range maps.Keys(a.Inputs) {
		if name != "command" && name != "args" && name != "artifact" && run.Flags().Lookup(name) == nil {
			t.Errorf("the input %q is no flag of run", name)
		}
	}
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range a.Outputs {
		if !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("docs/install.md does not tell of the output %q", name)
		}
	}
}
