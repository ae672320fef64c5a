package saga

import (
	"slices"
	"testing"
)

// The next version has two steps in each other's place where some can change places, and the same calls.
func TestNext(t *testing.T) {
	step := func(name string, kind Kind, account string) Step {
		call := Call{URL: "http://p/s/" + name, Body: Effect{Postings: []Posting{{Account: account, Amount: 1, Unit: "EUR"}}}.Body(), Retry: RetryPolicy{MaxAttempts: 1}}
		return Step{Name: name, Kind: kind, Action: call, Compensation: &call}
	}
	chain := func(change func(d *Definition)) Definition {
		d := Definition{ID: "c-1", Name: "trip", Steps: []Step{
			step("a", Compensatable, "x"), step("b", Compensatable, "y"), step("c", Compensatable, "z"), step("d", Pivot, "u"),
		}}
		change(&d)
		return d
	}
	register := Effect{Writes: []Write{{Register: "rooms", To: "taken"}}}.Body()
	for _, c := range []struct {
		what   string
		change func(d *Definition)
		want   string // steps of the next version; empty: there is none
	}{
		{"a chain", func(*Definition) {}, "acbd"},
		{"two of one account", func(d *Definition) { d.Steps[2] = step("c", Compensatable, "y") }, "abcd"},
		{"nothing but a pivot behind", func(d *Definition) { d.Steps = d.Steps[2:] }, "cd"},
		{"side by side", func(d *Definition) { d.Steps[2].After = []string{"a"} }, "abcd"},
		{"one step", func(d *Definition) { d.Steps = d.Steps[:1] }, ""},
		{"a first step that can't be undone", func(d *Definition) { d.Steps[0].Compensation = nil }, ""},
		{"two first steps", func(d *Definition) { d.Steps[1].After = []string{} }, ""},
		{"a breaker", func(d *Definition) { d.Steps[1].Action.Breaker = &Breaker{Name: "b"} }, ""},
		{"a register of all sagas", func(d *Definition) { d.Steps[1].Action.Body = register }, ""},
		{"a budget", func(d *Definition) { d.Budget.Attempts = 9 }, ""},
	} {
		d := chain(c.change)
		before := slices.Clone(d.Steps)
		next, ok := d.Next()
		got := ""
		for _, s := range next.Steps {
			got += s.Name
		}
		if ok != (c.want != "") || ok && (got != c.want || next.Version != NextVersion) {
			t.Errorf("%s: %v, version %q, steps %s, want %s", c.what, ok, next.Version, got, c.want)
		}
		if !slices.EqualFunc(before, d.Steps, func(x, y Step) bool { return x.Name == y.Name }) {
			t.Errorf("%s: the version before was changed", c.what)
		}
		first, second := d.Swaps()
		if want := map[bool]string{true: "bc"}[c.want == "acbd"]; first+second != want {
			t.Errorf("%s: %s and %s change places, want %q", c.what, first, second, want)
		}
	}
}
