package workflows

import (
	"slices"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
)

func TestColumnsOf(t *testing.T) {
	for text, want := range map[string]string{
		`rows[0].n == 1 && rows[1]["m"] == 2`:                            "m n",
		`all(rows, .a > 0 and #.b < 1)`:                                  "a b",
		`sum(rows, .a) == len(rows)`:                                     "a",
		`sum(map(filter(rows, .paid), .amount)) == 3`:                    "amount paid",
		`filter(rows, .paid)[0].amount > 0`:                              "amount paid",
		`first(rows).a == last(rows[1:]).b`:                              "a b",
		`find(rows, .a == 1).b.c == 2`:                                   "a b",
		`any(effects, .amount == 1) && status == "x"`:                    "",
		`all(effects, {let e = #; any(rows, .id == e.ref)})`:             "id",
		`all(rows, any(effects, .amount == 1))`:                          "",
		`all(rows, {let r = #; any(effects, .amount == r.total)})`:       "", // r: not followed
		`rows[0]?.n == nil`:                                              "",
		`(len(rows) > 0 ? rows[0].a : 0) + [rows[0].b][0] == -rows[0].c`: "a b c",
		`{"x": rows[0].a}.x == min(rows[0].b, 1)`:                        "a b",
		`map(rows, {{"n": .a}})[0].n == 1`:                               "a",
	} {
		p, err := expr.Compile(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got := columnsOf(p)
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: columns %q", text, got)
		}
	}
}
