package harness_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/workflows"
)

const amendedFile = shopFile + `
invariants:
  - {name: one-payment, settled: 'count(effects, .step == "charge") == 1'}
  - {name: paid, settled: 'id != "" && start.body.amount > 0'}
`

// corrected is the workflow of a file in which something was changed.
func corrected(t *testing.T, was, is string) *workflows.Workflow {
	t.Helper()
	text := fmt.Sprintf(amendedFile, "http://127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3")
	file := filepath.Join(t.TempDir(), "workflow.yaml")
	if !strings.Contains(text, was) {
		t.Fatalf("%q is not in the file", was)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, was, is)), 0o600); err != nil {
		t.Fatal(err)
	}
	flow, err := workflows.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return flow
}

// again is a history as it is read from its file.
func again(t *testing.T, h *history.History) *history.History {
	t.Helper()
	var b bytes.Buffer
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	read, err := history.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// TestAmend: a stored history is judged by what the file of its workflow says now.
func TestAmend(t *testing.T) {
	h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", amendedFile)
	stored := runShop(t, h, flow, 2, faults.Plan{})
	broken := func(h *history.History) []string {
		var names []string
		for _, v := range checkers.Judge(h, checkers.All()) {
			if v.Outcome == checkers.Violation {
				names = append(names, v.Property)
			}
		}
		return names
	}
	for name, c := range map[string]struct{ was, is, broken string }{
		"the same":            {"name: shop", "name: shop", ""},
		"an invariant":        {`"charge") == 1'`, `"charge") == 2'`, "broken-invariant"},
		"another invariant":   {"  - {name: paid,", "  - {name: none, always: 'len(effects) == 0'}\n  - {name: paid,", "broken-invariant"},
		"an invariant less":   {`  - {name: one-payment, settled: 'count(effects, .step == "charge") == 1'}`, "", ""},
		"a promise":           {"invariants:", "promises: {charge: {same_key: true}}\ninvariants:", "key-misuse"},
		"the kind of a step":  {"{name: charge, do: pay.charge}", "{name: charge, kind: pivot, do: pay.charge}", ""},
		"the meaning of none": {"DONE: completed}", "DONE: completed, LOST: stuck}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			amended := again(t, stored)
			if err := harness.Amend(amended, corrected(t, c.was, c.is)); err != nil {
				t.Fatal(err)
			}
			if got := broken(again(t, amended)); !slices.Equal(got, strings.Fields(c.broken)) {
				t.Errorf("broken: %q, expected %q", got, c.broken)
			}
			same := func(a, b history.Event) bool {
				return a.Seq == b.Seq && a.Kind == b.Kind && a.Holds == b.Holds && a.Detail == b.Detail
			}
			if c.was == c.is && !slices.EqualFunc(stored.Events, amended.Events, same) {
				t.Error("by the same file it is another history")
			}
		})
	}
	for name, c := range map[string]struct{ was, is, why string }{
		"another workflow": {"name: shop", "name: bank", `is of the workflow "shop": expected one of bank`},
		"another step":     {"charge", "pay", `has a step "charge", which the file has not`},
		"not in it":        {`id != "" &&`, `id != "x" &&`, "invariant paid: asks somebody outside, or speaks of start or id"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := harness.Amend(again(t, stored), corrected(t, c.was, c.is)); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v: expected %q", err, c.why)
			}
		})
	}
}
