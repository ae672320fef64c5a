package checkers_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
)

// The table of docs/contract.md names properties and clauses that there are, and
// every property judges some promise.
func TestContractTable(t *testing.T) {
	_, table, found := strings.Cut(readFile(t, "../docs/contract.md"), "| promise | judged by |")
	if !found {
		t.Fatal("docs/contract.md has no table of promises")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	named := map[string]bool{}
	for _, row := range strings.Split(table, "\n") {
		cells := strings.Split(row, "|")
		if len(cells) < 4 || strings.Trim(cells[1], "- ") == "" {
			continue
		}
		names := regexp.MustCompile("`([a-z-]+)(?:/([a-z-]+))?`").FindAllStringSubmatch(cells[2], -1)
		for _, m := range names {
			named[m[1]] = true
			c, ok := checkers.ByName(m[1])
			if !ok || m[2] != "" && !slices.ContainsFunc(c.Doc().Clauses, func(k checkers.Clause) bool { return k.Name == m[2] }) {
				t.Errorf("%s: there is no %s", strings.TrimSpace(cells[1]), m[0])
			}
		}
		if len(names) == 0 && !strings.Contains(cells[2], "nothing: ") && !strings.Contains(cells[2], "asked before a run") {
			t.Errorf("%s: neither a property nor a reason", strings.TrimSpace(cells[1]))
		}
	}
	for _, name := range checkers.Names() {
		c, _ := checkers.ByName(name)
		if !named[name] && !c.Doc().Own {
			t.Errorf("%s judges no promise of the contract", name)
		}
	}
}
