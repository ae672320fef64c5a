package checkers_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
)

var update = flag.Bool("update", false, "rewrite the golden verdicts")

func parse(t testing.TB, text string) *history.History {
	t.Helper()
	h, err := history.ParseText(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// judge gives the verdict of one checker.
func judge(t testing.TB, name string, h *history.History) checkers.Verdict {
	t.Helper()
	c, ok := checkers.ByName(name)
	if !ok {
		t.Fatalf("no checker %q", name)
	}
	return checkers.Judge(h, []checkers.Checker{c})[0]
}

// A golden history lies in testdata/ANOMALY/OUTCOME[-what].txt; its verdict beside
// it. -update rewrites verdicts, but the outcome is the file's name.
func TestGoldens(t *testing.T) {
	outcomes := []checkers.Outcome{checkers.Pass, checkers.Violation, checkers.Inconclusive, checkers.Vacuous, checkers.NotApplicable}
	for _, name := range checkers.Names() {
		files, err := filepath.Glob(filepath.Join("testdata", name, "*.txt"))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[checkers.Outcome]bool{}
		for _, file := range files {
			t.Run(name+"/"+filepath.Base(file), func(t *testing.T) {
				v := judge(t, name, parse(t, readFile(t, file)))
				i := slices.IndexFunc(outcomes, func(o checkers.Outcome) bool { return strings.HasPrefix(filepath.Base(file), string(o)) })
				if i < 0 {
					t.Fatal("the file is named after no outcome")
				}
				seen[outcomes[i]] = true
				if v.Outcome != outcomes[i] {
					t.Errorf("got:\n%s", render(v))
				}
				compareGolden(t, strings.TrimSuffix(file, ".txt")+".want", render(v))
			})
		}
		if !seen[checkers.Pass] || !seen[checkers.Violation] || !seen[checkers.Vacuous] && !seen[checkers.Inconclusive] {
			t.Errorf("%s: golden histories show only %v", name, seen)
		}
	}
}

func render(v checkers.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, at risk %d\n", v.Outcome, v.AtRisk)
	if v.Reason != "" {
		fmt.Fprintln(&b, v.Reason)
	}
	for _, c := range v.Clauses {
		if c.Judged()+c.Unjudgeable > 0 {
			fmt.Fprintf(&b, "  %s: held %d, broken %d, unjudgeable %d%s\n", c.Clause, c.Held, c.Broken, c.Unjudgeable, because(c.Why))
		}
	}
	for _, w := range v.Witnesses {
		fmt.Fprintf(&b, "%s\n  saga %q step %q events %v\n", w.Broken, w.Saga, w.Step, w.Events)
	}
	return b.String()
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := readFile(t, file); got != want {
		t.Errorf("%s: got:\n%s\nwant:\n%s", file, got, want)
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each type with the methods of a checker is in the catalogue, in a file that is
// named as its anomaly; and every golden folder has its checker.
func TestCatalogueIsComplete(t *testing.T) {
	inFiles := checkerTypes(t)
	listed := map[string]string{}
	for _, c := range checkers.All() {
		listed[strings.TrimPrefix(fmt.Sprintf("%T", c), "checkers.")] = strings.ReplaceAll(c.Doc().Name, "-", "_") + ".go"
	}
	for typ, file := range inFiles {
		if listed[typ] != file {
			t.Errorf("checker %s is in %s, and the catalogue expects it in %q", typ, file, listed[typ])
		}
	}
	for typ, file := range listed {
		if inFiles[typ] == "" {
			t.Errorf("checker %s of the catalogue has no file %s", typ, file)
		}
	}
	if names := checkers.Names(); len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Errorf("a name is there twice: %v", names)
	}
	folders, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if _, ok := checkers.ByName(f.Name()); f.IsDir() && !ok && f.Name() != "fuzz" {
			t.Errorf("testdata/%s belongs to no checker", f.Name())
		}
	}
}

// checkerTypes finds the types that have a method Check, and their files.
func checkerTypes(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "Check" {
				continue
			}
			if id, ok := fn.Recv.List[0].Type.(*ast.Ident); ok {
				types[id.Name] = file
			}
		}
	}
	return types
}

func TestDocsAreComplete(t *testing.T) {
	for _, c := range checkers.All() {
		d := c.Doc()
		for field, v := range map[string]string{"Definition": d.Definition, "Source": d.Source, "Evidence": d.Evidence, "Blind": d.Blind, "Cost": d.Cost} {
			if v == "" {
				t.Errorf("%s: %s is missing", d.Name, field)
			}
		}
	}
}

func TestSelect(t *testing.T) {
	all, err := checkers.Select(nil)
	if err != nil || len(all) != len(checkers.All()) {
		t.Errorf("no glob: got %d checkers, error %v", len(all), err)
	}
	got, err := checkers.Select([]string{"lost-saga", "duplicate-effect", "duplicate-*"})
	var names []string
	for _, c := range got {
		names = append(names, c.Doc().Name)
	}
	if want := []string{"duplicate-effect", "duplicate-compensation", "lost-saga", "duplicate-saga"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("got %v, error %v, want %v", names, err, want)
	}
	if got, err := checkers.Select([]string{"!mangled-body"}); err != nil || len(got) != len(all)-1 {
		t.Errorf("all but one: got %d checkers, error %v", len(got), err)
	}
	if got, err := checkers.Select([]string{"!*-effect", "duplicate-*"}); err != nil || len(got) != 2 || got[0].Doc().Name != "duplicate-compensation" {
		t.Errorf("some of some: got %d checkers, error %v", len(got), err)
	}
	for glob, want := range map[string]string{
		"!duplicat": `property "duplicat": no checker has that name; expected one of duplicate-effect, `,
		"!*":        "property !*: nothing is left",
		"duplicate": `property "duplicate": no checker has that name; expected one of duplicate-effect, `,
		"[":         `property "[": syntax error in pattern`,
	} {
		if _, err := checkers.Select([]string{glob}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q", glob, err, want)
		}
	}
}

const healthy = `
fault lose charge#1@response
saga s1
step charge
0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-committed s1 charge#1
1ms fault-fired s1 charge#1 fault=0
2ms call-ended s1 charge#1 0
3ms call-sent s1 charge#2
3ms call-received s1 charge#2
4ms call-ended s1 charge#2 200
5ms saga-ended s1 completed
6ms settled
7ms ledger-read bank till-1EUR charge+1EUR
`

// The rules that hold for all checkers: none passes without the evidence.
func TestJudgeGeneralRules(t *testing.T) {
	without := func(line string) string { return strings.Replace(healthy, line+"\n", "", 1) }
	for _, c := range []struct {
		what, text, reason string
		want               checkers.Outcome
	}{
		{"whole", healthy, "", checkers.Pass},
		{"no fault fired", without("1ms fault-fired s1 charge#1 fault=0"), "planned fault 1 of 1 (lose charge#1@response) did not fire", checkers.Vacuous},
		{"not settled", without("6ms settled"), "the history has no settle event: more could have happened", checkers.Inconclusive},
		{"no ledgers", without("7ms ledger-read bank till-1EUR charge+1EUR"), "no ledger was read at the end", checkers.Inconclusive},
	} {
		if v := judge(t, "duplicate-effect", parse(t, c.text)); v.Outcome != c.want || v.Reason != c.reason {
			t.Errorf("%s: got %s (%s), want %s (%s)", c.what, v.Outcome, v.Reason, c.want, c.reason)
		}
	}
	h := parse(t, "capabilities pivot"+healthy)
	if v := judge(t, "key-misuse", h); v.Outcome != checkers.NotApplicable || v.Reason != `the orchestrator lacks the capability "idempotency-key"` {
		t.Errorf("capability missing: got %s (%s)", v.Outcome, v.Reason)
	}
	// A workflow of the user's own has no capabilities: its file makes promises.
	h.Header.Workflow = "shop"
	for property, reason := range map[string]string{
		"key-misuse":         "the workflow's file does not promise that calls have keys (promises)",
		"compensation-order": "the workflow's file does not promise in which order steps are undone (promises)",
		"breaker-violation":  "it is asked of sagas that Sagacheck makes, and not of a workflow of the user's own",
		"silent-rollback":    "it is asked of sagas that Sagacheck makes, and not of a workflow of the user's own",
	} {
		if v := judge(t, property, h); v.Outcome != checkers.NotApplicable || v.Reason != reason {
			t.Errorf("%s of a workflow: got %s (%s), want %s", property, v.Outcome, v.Reason, reason)
		}
	}
	twice := strings.Replace(without("1ms fault-fired s1 charge#1 fault=0"), "3ms call-received s1 charge#2", "3ms call-received s1 charge#2\n3ms call-committed s1 charge#2", 1)
	if v := judge(t, "duplicate-effect", parse(t, twice)); v.Outcome != checkers.Violation {
		t.Errorf("a violation stays one when a fault did not fire: got %s", v.Outcome)
	}
}

// An orchestrator that accepts sagas, says that they are done and never calls
// anybody keeps no promise; it may break some.
func TestNobodyWasCalled(t *testing.T) {
	h := parse(t, "profile fenced\nsaga s1\nstep charge undo=- do=-\n0ms saga-accepted s1\n1ms saga-status s1 running\n2ms saga-ended s1 completed\n3ms settled\n3ms ledger-read none\n")
	for _, v := range checkers.Judge(h, checkers.All()) {
		for _, c := range v.Clauses {
			if c.Held > 0 {
				t.Errorf("%s: clause %s held %d", v.Property, c.Clause, c.Held)
			}
		}
	}
	if v := judge(t, "lost-saga", h); v.Outcome != checkers.Vacuous || v.Reason != "it could not be judged: no call reached a participant" {
		t.Errorf("lost-saga: got %s", render(v))
	}
}

// What a manifest names no metric for is not compared, and not missed: it leaves no promise open.
func TestMetricsWithoutName(t *testing.T) {
	v := judge(t, "untruthful-metric", parse(t, readFile(t, "testdata/untruthful-metric/pass-one-name.txt")))
	for _, c := range v.Clauses {
		if applicable := c.Lacks == ""; applicable != (c.Clause == "attempts") {
			t.Errorf("clause %s: applicable: %t (%s)", c.Clause, applicable, c.Lacks)
		}
	}
}

// An empty history can show nothing.
func TestNothingPassesOnNothing(t *testing.T) {
	h := parse(t, "saga s1\nstep charge\n0ms saga-submitted s1\n1ms settled\n2ms ledger-read none\n")
	for _, v := range checkers.Judge(h, checkers.All()) {
		if v.Outcome == checkers.Pass || v.Outcome == checkers.Violation {
			t.Errorf("%s: got %s", v.Property, render(v))
		}
	}
}
