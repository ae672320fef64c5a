package campaign

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// shopBugs are mistakes of the example order service, and the property that must name
// each (examples/shop/README.md). Beside them stands the service as it is.
var shopBugs = map[string]string{
	"":               "",
	"no-key":         "duplicate-effect",
	"shared-key":     "key-misuse",
	"retry-refusal":  "retried-permanent-error",
	"give-up":        "orphaned-effect",
	"blind-refusal":  "orphaned-effect",
	"readback-other": "key-misuse",
	"refund-order":   "wrong-reference",
	"trust-status":   "wrong-reference",
	"release-first":  "lost-compensation",
	"refund-short":   "inexact-compensation",
	"amount-redrawn": "diverged-effect",
	"forward-undo":   "compensation-order",
	"ship-first":     "step-order",
	"refund-early":   "pivot-violation",
	"restart-anew":   "duplicate-effect",
	"blind-resume":   "duplicate-effect",
	"forget-undo":    "lost-compensation",
	"lost-timers":    "stuck-saga",
	"resume-once":    "stuck-saga",
	"resume-one":     "stuck-saga",
	"resumed-kept":   "lost-compensation",
	"commit-late":    "lost-saga",
	"give-up-old":    "orphaned-effect",
	"done-anyway":    "partial-success",
	"ignored-client": "duplicate-saga",
}

// TestShop tests a workflow that knows nothing of us, unchanged, with kills: as it is, it
// passes; each planted mistake is named.
func TestShop(t *testing.T) {
	t.Parallel()
	dir := buildShop(t)
	for bug, property := range shopBugs {
		file := plantedShop(t, dir, bug)
		t.Run("bug="+bug, func(t *testing.T) {
			t.Parallel()
			o := RunOptions{Settings: Defaults(), Curated: true}
			o.Workflow, o.Out, o.Settle = file, t.TempDir(), 8*time.Second
			untilNamed(&o.Settings, property)
			done, err := Run(t.Context(), Host{}, o)
			if err != nil {
				t.Fatal(err)
			}
			found(t, done.Run, property)
			if logs, _ := filepath.Glob(filepath.Join(done.Dir, logsDir, "*")); len(logs) > 0 != (bug != "") {
				t.Errorf("logs of the shop: %v: expected them where it failed", logs)
			}
			if bug == "" {
				killedInWaits(t, o.Out)
			}
		})
	}
}

// What a workflow's file has no words for is refused in a plan, with that as the reason,
// and nothing is started for it or left behind.
func TestWhatAWorkflowCannotBeGiven(t *testing.T) {
	file := plantedShop(t, unbuiltShop(t), "")
	for plan, want := range map[string]string{
		"faults: [{kind: ask-rollback, at: charge#1@commit}]":        "no way to say how it is asked for a rollback",
		"faults: [{kind: store-outage, from_ms: 1, for_ms: 50}]":     "no way to say how it is cut off from its store",
		"faults: [{kind: operate, as: retry, at: charge#1@receive}]": "expected an orchestrator with the capabilities operator-",
	} {
		o := RunOptions{Settings: Defaults(), Plan: filepath.Join(t.TempDir(), "plan.yaml")}
		if err := os.WriteFile(o.Plan, []byte(plan), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Workflow, o.Out = file, t.TempDir()
		if _, err := Run(t.Context(), Host{}, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", plan, err, want)
		}
		if left, err := os.ReadDir(o.Out); err != nil || len(left) > 0 {
			t.Errorf("%s: left in --out: %v (%v)", plan, left, err)
		}
	}
}

// A folder that can't be written to is told before the workflow is started.
func TestUnwritableOutIsToldFirst(t *testing.T) {
	o := RunOptions{Settings: Defaults()}
	o.Workflow = plantedShop(t, unbuiltShop(t), "")
	o.Out = filepath.Join(o.Workflow, "out") // inside of a file
	if _, err := Run(t.Context(), Host{}, o); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("%v, expected a word on --out", err)
	}
}

// untilNamed has a run end as soon as it names a property; the empty one: it is to pass, and all are judged.
func untilNamed(s *Settings, property string) {
	if property != "" {
		s.Properties, s.MaxFailures = []string{strings.TrimSuffix(property, undecided)}, 1
	}
}

// undecided is what a property is in whose cells nobody can say whether it was broken.
const undecided = " is inconclusive"

// found checks that a run named a property, or left it undecided; the empty one: that it passed.
func found(t *testing.T, r *results.Run, property string) {
	t.Helper()
	named := brokenIn(r)
	switch {
	case property == "" && r.Summary.Exit != results.ExitPass:
		t.Errorf("%s: %v%s", r.Summary.Outcome, r.Summary.Reasons, proof(r))
	case strings.HasSuffix(property, undecided):
		if !strings.Contains(strings.Join(r.Summary.Reasons, "; "), property) {
			t.Errorf("named %v, expected that %s (%v)", named, property, r.Summary.Reasons)
		}
	case property != "" && !slices.Contains(named, property):
		t.Errorf("named %v, expected %s among them (%v)", named, property, r.Summary.Reasons)
	}
}

// proof is what the first finding of a run shows, for whom can't see the run any more.
func proof(r *results.Run) string {
	if len(r.Failures) == 0 {
		return ""
	}
	f := r.Failures[0]
	return fmt.Sprintf("\n%s: %s\nplan: %s\n%s", f.Property, f.Broken, f.Plan, reports.StoryText(f.Story))
}

// plantedShop writes the file of the example order service of a folder, with a mistake planted
// in it.
func plantedShop(t *testing.T, dir, bug string) (file string) {
	t.Helper()
	plain, err := os.ReadFile("../examples/shop/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "workflow"+bug+".yaml")
	planted := strings.Replace(string(plain), "env:\n", "env:\n        SHOP_BUG: \""+bug+"\"\n", 1)
	if err := os.WriteFile(file, []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// brokenIn are the properties that were violated in a run.
func brokenIn(r *results.Run) []string {
	var names []string
	for _, f := range r.Failures {
		names = append(names, f.Property)
		names = append(names, f.Also...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// builds are the programs that tests share, each compiled once.
var builds struct {
	sync.Mutex
	dir  string
	done map[string]string // the file, by the folder of the source
}

// built compiles the program in a folder, if no test has yet.
func built(t testing.TB, source string) (file string) {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if file, known := builds.done[source]; known {
		return file
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "sagacheck-builds")
		if err != nil {
			t.Fatal(err)
		}
		builds.dir, builds.done = dir, map[string]string{}
	}
	file = filepath.Join(builds.dir, strconv.Itoa(len(builds.done)))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, ".")
	build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	builds.done[source] = file
	return file
}

// buildShop puts the example's program into a folder of its own, with what its workflow's
// file names beside it.
func buildShop(t testing.TB) string {
	t.Helper()
	dir := unbuiltShop(t)
	if err := os.Link(built(t, "../examples/shop"), filepath.Join(dir, "shop")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// unbuiltShop is a folder with all that the file of the order service names but its
// program, which can't be started.
func unbuiltShop(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	const document = "inventory.openapi.yaml"
	text, err := os.ReadFile(filepath.Join("../examples/shop", document))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, document), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestShopWithoutSteps: of a workflow whose file says nothing of its steps, their order is
// what runs show.
func TestShopWithoutSteps(t *testing.T) {
	t.Parallel()
	dir := buildShop(t)
	plain, err := os.ReadFile("../examples/shop/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(plain), "\nsteps:")
	_, after, _ := strings.Cut(rest, "\npromises:")
	file := filepath.Join(dir, "workflow.yaml")
	if err := os.WriteFile(file, []byte(before+"\npromises:"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	o := RunOptions{Settings: Defaults(), Curated: true}
	o.Workflow, o.Out, o.Settle = file, t.TempDir(), 8*time.Second
	done, err := Run(t.Context(), Host{}, o)
	if err != nil {
		t.Fatal(err)
	}
	found(t, done.Run, "")
}

// TestWorkflowIsReplayed: a failure of a workflow fails again from its replay file, and a
// workflow that calls nobody is told so.
func TestWorkflowIsReplayed(t *testing.T) {
	t.Parallel()
	dir := buildShop(t)
	plain, err := os.ReadFile("../examples/shop/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "workflow.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Replace(string(plain), "env:\n", "env:\n        SHOP_BUG: refund-short\n", 1))
	o := RunOptions{Settings: Defaults(), Curated: true, Shrink: Shrink{On: true, MaxRuns: 60}}
	o.Workflow, o.Out, o.MaxFailures = file, t.TempDir(), 3
	done, err := Run(t.Context(), Host{}, o)
	if err != nil {
		t.Fatal(err)
	}
	first := done.Dir
	i := slices.IndexFunc(done.Run.Failures, func(f results.Failure) bool { return f.Property == "inexact-compensation" && f.Replay != nil })
	if i < 0 {
		t.Fatalf("nothing to replay: %v", done.Run.Summary.Reasons)
	}
	again := filepath.Join(t.TempDir(), "replay.yaml")
	text, err := done.Run.Failures[i].Replay.Encode("")
	if err == nil {
		err = os.WriteFile(again, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := ReplayOptions{Settings: Defaults(), File: again, Times: 2}
	r.Out = t.TempDir()
	if done, err = Replay(t.Context(), Host{}, r); err != nil || done.Run.Totals.Violated != 2 {
		t.Fatalf("replay: %v, %+v", err, done)
	}
	judgedAnew(t, first, file, string(plain))
	write(strings.NewReplacer("${service.inventory}", "http://127.0.0.1:1", "${service.payments}", "http://127.0.0.1:1", "${service.shipping}", "http://127.0.0.1:1").Replace(string(plain)))
	o.Settle = time.Second
	if _, err := Run(t.Context(), Host{}, o); err == nil || !strings.Contains(err.Error(), "the workflow called nothing: do its addresses point to") {
		t.Errorf("a workflow that calls nobody: %v", err)
	}
}

// judgedAnew checks that the run in a folder is judged by what the workflow's file says now.
func judgedAnew(t *testing.T, dir, file, text string) {
	t.Helper()
	check := func(text string) (*Finished, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Check(t.Context(), Host{}, CheckOptions{Paths: []string{dir}, Out: t.TempDir(), Workflow: file})
	}
	done, err := check(text + "  - {name: nothing-sent, always: 'none(effects, .step == \"ship\")'}\n")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(done.Run.Failures, func(f results.Failure) bool {
		return f.Property == "broken-invariant" && strings.Contains(f.Broken, "nothing-sent")
	})
	if i < 0 {
		t.Fatalf("checked by another invariant: %v", done.Run.Summary.Reasons)
	}
	if _, err := os.Stat(filepath.Join(done.Dir, done.Run.Failures[i].History)); err != nil || !strings.HasPrefix(done.Run.Failures[i].History, results.HistoriesDir) {
		t.Errorf("the events that prove it: %q, %v", done.Run.Failures[i].History, err)
	}
	if _, err := check(strings.Replace(text, "name: shop", "name: bank", 1)); err == nil || !strings.Contains(err.Error(), `is of the workflow "shop": expected one of bank`) {
		t.Errorf("checked by another workflow's file: %v", err)
	}
}
