package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
)

// Words that are kinds of faults and mean something else in a package.
var otherMeanings = map[string][]string{
	"answer":       {"workflows", "sagatest"},                         // what a service said, in the expressions of a workflow
	"error":        {"agents", "cmd/sagacheck", "reports", "results"}, // a level of the log, and an outcome
	"latency":      {"cmd/sagacheck", "wire"},                         // a flag of `reference policies try`, and a toxic
	"store-outage": {"history"},                                       // what can't be done to an orchestrator
	"outage":       {"scenarios"},                                     // a scenario
}

// A kind of fault is one file: whoever plans, carries out, runs and shows asks it for what it
// does, and names none. Who judges has its name from the history, in one place.
func TestKindsOfFaultsAreNamedOnceOnly(t *testing.T) {
	var kinds []string
	for _, k := range faults.Kinds() {
		kinds = append(kinds, k.Doc().Name)
	}
	own := map[string][]string{} // by kind: where package faults names it
	for name := range list(t) {
		if name == "" || strings.HasPrefix(name, "reference") || strings.HasPrefix(name, "engines") { // these know no plans
			continue
		}
		for file, words := range literals(t, name) {
			for _, word := range words {
				switch {
				case !slices.Contains(kinds, word), file == "history/planned.go", slices.Contains(otherMeanings[word], name):
				case name == "faults":
					if !slices.Contains(own[word], file) {
						own[word] = append(own[word], file)
					}
				default:
					t.Errorf("%s names the kind of fault %q: expected it to ask for what a kind does", file, word)
				}
			}
		}
	}
	for _, kind := range kinds {
		if files := own[kind]; len(files) != 1 {
			t.Errorf("%s stands in %v: expected one file of package faults", kind, files)
		}
	}
}

// literals are the string literals of a package, without its tests, by file.
func literals(t *testing.T, pkg string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(path.Join("../..", pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	words := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				word, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				name := path.Join(pkg, filepath.Base(file))
				words[name] = append(words[name], word)
			}
			return true
		})
	}
	return words
}
