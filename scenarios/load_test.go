package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

const good = `name: shop
description: A shop.
registers: {"orders/order:${saga}": new}
retry: {max_attempts: 3}
steps:
  - name: reserve
    participant: orders
    kind: compensatable
    do:
      - set: {register: "order:${saga}", from: new, to: reserved}
  - name: charge
    participant: bank
    kind: pivot
    do:
      - transfer: {from: card, to: shop, amount: 100, unit: EUR}
    retry: {jitter: 0.1}
  - name: ship
    participant: orders
    kind: retriable
    do:
      - set: {register: "order:${saga}", from: reserved, to: shipped}
`

func TestParseRefuses(t *testing.T) {
	if _, err := Parse("shop.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	kinds := "expected compensatable, pivot, retriable or deferrable"
	for _, c := range []struct{ old, new, want string }{
		// the shape
		{"name: shop", "nam: shop", `shop.yaml:1:1: nam: unknown field "nam": expected one of name, description, sagas, registers, retry, undo_retry, budget, rounds, round_delay_ms, steps, thread` + "\n" + `shop.yaml:1:1: name: is missing: expected a text`},
		{"name: shop", "name: 5", `shop.yaml:1:7: name: "5": expected a text (put numbers and words like true into quotes)`},
		{"name: shop", "name:", `shop.yaml:1:6: name: nothing: expected a text (put numbers and words like true into quotes)`},
		{"max_attempts: 3", "max_attempts: 3.5", `shop.yaml:4:23: retry.max_attempts: "3.5": expected a whole number`},
		{"max_attempts: 3", `max_attempts: "3"`, `shop.yaml:4:23: retry.max_attempts: "\"3\"": expected a whole number`},
		{"max_attempts: 3", "attempts: 3", `shop.yaml:4:9: retry.attempts: unknown field "attempts": expected one of max_attempts, initial_interval_ms, multiplier, max_interval_ms, jitter, attempt_timeout_ms, deadline_ms, rounds, round_delay_ms, adaptive`},
		{"jitter: 0.1", "jitter: x", `shop.yaml:16:21: steps[1].retry.jitter: "x": expected a number`},
		{"    kind: pivot\n", "", `shop.yaml:11:5: steps[1].kind: is missing: expected a text`},
		{"retry: {max_attempts: 3}", "retry: 3", `shop.yaml:4:8: retry: "3": expected a mapping with max_attempts, initial_interval_ms, multiplier, max_interval_ms, jitter, attempt_timeout_ms, deadline_ms, rounds, round_delay_ms, adaptive`},
		{"kind: pivot", "kind: pivot\n    after: reserve", `shop.yaml:14:12: steps[1].after: "reserve": expected a list`},
		{"kind: pivot", "kind: pivot\n    undo: 3", `shop.yaml:14:11: steps[1].undo: "3": expected inverse, none or a list of changes`},
		{"kind: pivot", "kind: pivot\n    undo:\n      - crate: {record: x}", `shop.yaml:15:9: steps[1].undo[0].crate: unknown field "crate": expected one of transfer, set, create, delete`},
		{"name: shop", "name: &a shop", `shop.yaml:1:7: name: expected a plain value: anchors, aliases and tags are not supported`},
		{"name: shop", "name: shop\nname: shop", `shop.yaml:2:1: not YAML: mapping key "name" already defined at [1:1]`},
		{"steps:", "---\nsteps:", `shop.yaml:1:1: the file has 2 documents: expected one scenario`},
		{good, "", `shop.yaml:1:1: the file is empty: expected a scenario`},
		{good, "- a", `shop.yaml:1:1: a list: expected a mapping with name, description, sagas, registers, retry, undo_retry, budget, rounds, round_delay_ms, steps, thread`},
		// single fields
		{"name: shop", "name: The Shop", `shop.yaml:1:7: name: "The Shop": expected lower-case letters, digits and hyphens, at most 63`},
		{"name: shop", "name: shop\nsagas: 0", `shop.yaml:2:8: sagas: 0: expected 1 to 1000`},
		{"kind: pivot", "kind: pivto", `shop.yaml:13:11: steps[1].kind: "pivto": ` + kinds},
		{"name: charge", "name: reserve", `shop.yaml:11:11: steps[1].name: "reserve": expected a name of its own: steps[0] has it already`},
		{"name: charge", "name: submit", `shop.yaml:11:11: steps[1].name: "submit": expected another name: this one stands for the client's call`},
		{"kind: pivot", "kind: pivot\n    after: [rserve]", `shop.yaml:14:13: steps[1].after[0]: "rserve": expected the name of a step: one of reserve, ship`},
		{"kind: pivot", "kind: pivot\n    after: [charge]", `shop.yaml:14:13: steps[1].after[0]: "charge": expected another step: a step can't wait for itself`},
		{"amount: 100", "amount: -100", `shop.yaml:15:50: steps[1].do[0].transfer.amount: -100: expected a whole number of 1 to 1000000000000, in the smallest unit (cents, pieces)`},
		{"to: shop,", "to: card,", `shop.yaml:15:36: steps[1].do[0].transfer.to: "card": expected another account than from`},
		{"from: card", "from: bank/card", `shop.yaml:15:26: steps[1].do[0].transfer.from: "bank/card": expected a name without spaces and slashes; the participant's name is put before it`},
		{"from: card", `from: "card:{id}"`, `shop.yaml:15:26: steps[1].do[0].transfer.from: "card:{id}": expected ${saga} as the only placeholder`},
		{"kind: pivot", "kind: pivot\n    undo: nothing", `shop.yaml:14:11: steps[1].undo: "nothing": expected inverse, none or a list of changes`},
		{"unit: EUR}", "unit: EUR}\n        create: {record: x}", `shop.yaml:15:9: steps[1].do[0]: expected exactly one of transfer, set, create, delete, not 2`},
		{"orders/order", "order", `shop.yaml:3:30: registers.order:${saga}: "order:${saga}": expected participant/register`},
		{"orders/order", "order/order", `shop.yaml:3:36: registers.order/order:${saga}: "order/order:${saga}": expected a participant of a step before the slash: one of orders, bank`},
		// policies and breakers
		{"max_attempts: 3", "max_attempts: -1", `shop.yaml:4:23: retry.max_attempts: -1: expected 0 to 1000`},
		{"jitter: 0.1", "max_interval_ms: 1", `shop.yaml:16:30: steps[1].retry.max_interval_ms: 1: expected at least initial_interval_ms (5)`},
		{"kind: retriable", "kind: retriable\n    retry: {max_attempts: 3}", `shop.yaml:20:27: steps[2].retry.max_attempts: 3: expected 0 (until it succeeds): a retriable step must not be given up`},
		{"kind: retriable", "kind: retriable\n    undo_retry: {jitter: 0}", `shop.yaml:20:17: steps[2].undo_retry: expected nothing: the step has no compensation`},
		{"kind: pivot", "kind: pivot\n    breaker: {name: b, failures: 0, open_ms: 1, probes: 1}", `shop.yaml:14:34: steps[1].breaker.failures: 0: expected 1 to 1000`},
		{"kind: pivot", "kind: pivot\n    retry_budget: {name: b, share: 2, min_per_second: 1, burst: 1}", `shop.yaml:14:36: steps[1].retry_budget.share: 2: expected 0 to 1`},
		{"kind: pivot", "kind: pivot\n    retry_budget: {name: b, share: 0, min_per_second: 0, burst: 0}", `shop.yaml:14:55: steps[1].retry_budget.min_per_second: 0: expected 0.01 to 10000` + "\n" + `shop.yaml:14:65: steps[1].retry_budget.burst: 0: expected 1 to 1000`},
		{"name: shop", "name: shop\nbudget: {attempts: 2}", `shop.yaml:2:20: budget.attempts: 2: expected 0 (any number), or at least one for each of the 3 steps`},
		{"jitter: 0.1", "adaptive: {name: b, percentile: 0, times: 2, min_timeout_ms: 5, min_wait_ms: 1}", `shop.yaml:16:45: steps[1].retry.adaptive.percentile: 0: expected 1 to 100`},
		{"jitter: 0.1", "adaptive: {name: b, percentile: 9, times: 2, min_timeout_ms: 500, min_wait_ms: 1}", `shop.yaml:16:74: steps[1].retry.adaptive.min_timeout_ms: 500: expected 1 to attempt_timeout_ms (250)`},
		{"jitter: 0.1", "attempt_timeout_ms: 1", `shop.yaml:16:33: steps[1].retry.attempt_timeout_ms: 1: expected 5 to 3600000`},
		{"max_attempts: 3", "max_attempts: 4000000", `shop.yaml:4:23: retry.max_attempts: 4000000: expected 0 to 1000`},
		{"amount: 100", "amount: 9223372036854775807", `shop.yaml:15:50: steps[1].do[0].transfer.amount: 9223372036854775807: expected a whole number of 1 to 1000000000000, in the smallest unit (cents, pieces)`},
		{"amount: 100", "amount: 9223372036854775808", `shop.yaml:15:50: steps[1].do[0].transfer.amount: "9223372036854775808": expected a whole number`},
		// texts
		{"A shop.", `"A\a shop."`, `shop.yaml:2:14: description: "A\a shop.": expected no control characters: U+0007 is one`},
		{"from: card", `from: "ca\erd"`, `shop.yaml:15:26: steps[1].do[0].transfer.from: "ca\x1brd": expected no control characters: U+001B is one`},
		{"unit: EUR", `unit: "E\0R"`, `shop.yaml:15:61: steps[1].do[0].transfer.unit: "E\x00R": expected no control characters: U+0000 is one`},
		{"to: reserved", `to: "re\0"`, `shop.yaml:10:57: steps[0].do[0].set.to: "re\x00": expected no control characters: U+0000 is one`},
		{"A shop.", "A sch\xf6p.", `shop.yaml:2:19: not UTF-8: the byte 0xf6: expected a text in UTF-8`},
		{"name: shop", "\xff\xfen\x00a\x00", `shop.yaml:1:1: not UTF-8: the byte 0xff: expected a text in UTF-8`},
		// several at once, of the shape and of the rest
		{"name: shop\ndescription: A shop.", "name: Shop\ndescription: 4", `shop.yaml:1:7: name: "Shop": expected lower-case letters, digits and hyphens, at most 63` + "\n" + `shop.yaml:2:14: description: "4": expected a text (put numbers and words like true into quotes)`},
		// the graph
		{"kind: compensatable", "kind: compensatable\n    after: [ship]", `shop.yaml:6:3: steps: expected an order: after has a cycle: reserve waits for ship waits for charge waits for reserve`},
		{"kind: compensatable", "kind: pivot", `shop.yaml:13:11: steps[1].kind: expected one pivot: "reserve" is one already`},
		{"kind: pivot", "kind: pivot\n    after: []", `shop.yaml:14:12: steps[1].after: expected that the compensatable "reserve" comes before the pivot "charge": when it fails, what came before must still be undone` + "\n" + `shop.yaml:18:5: steps[2].after: expected that the compensatable "reserve" comes before the retriable "ship": when it fails, what came before must still be undone`},
		{"kind: pivot", "kind: deferrable", `shop.yaml:17:5: steps[2].after: "charge" is deferrable: expected that only deferrable steps wait for it; name other steps in after` + "\n" + `shop.yaml:19:11: steps[2].kind: retriable: expected a pivot before it: nobody could tell from when on nothing is undone any more`},
		{"kind: pivot", "kind: compensatable", `shop.yaml:19:11: steps[2].kind: retriable: expected a pivot before it: nobody could tell from when on nothing is undone any more`},
		{"from: reserved", "from: new", `shop.yaml:21:9: steps[2].do[0]: register "orders/order:s-1" is changed from "new": expected "reserved", the value that it has by then`},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		_, err := Parse("shop.yaml", []byte(text))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q instead of %q:\nhave %v\nwant %s", c.new, c.old, err, c.want)
		}
		if p := (*yamlfile.Problem)(nil); !errors.As(err, &p) || p.Line == 0 {
			t.Errorf("%q: expected a *Problem with its line", c.new)
		}
	}
}

// Some editors put a byte order mark before a text.
func TestByteOrderMark(t *testing.T) {
	if _, err := Parse("shop.yaml", []byte("\ufeff"+good)); err != nil {
		t.Error(err)
	}
}

func TestUnorderedWritersAreRefused(t *testing.T) {
	s := &Scenario{Name: "race", Description: "Two writers.", Sagas: 1}
	for _, name := range []string{"one", "two"} {
		s.Steps = append(s.Steps, Step{
			Name: name, Participant: "orders", Kind: "compensatable", After: []string{},
			Do: []Change{{Create: &Record{Record: "order"}}},
		})
	}
	err := s.Validate()
	want := `steps[1].do[0]: register "orders/order" is written by "one" too: expected one of the two steps to come after the other`
	if err == nil || err.Error() != want {
		t.Errorf("have %v\nwant %s", err, want)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file gives %v", err)
	}
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Sagas != 1 || s.Steps[1].After != nil || *s.Steps[1].Retry.Jitter != 0.1 {
		t.Errorf("read %+v", s)
	}
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a large file gives %v", err)
	}
}

// FuzzLoad: no input may crash the loader, and what it accepts is valid and
// survives being written and read.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	for _, s := range append(All(), Draw(1), Draw(2), Draw(3)) {
		b, err := s.YAML()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse("fuzz.yaml", b)
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		out, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse("again.yaml", out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !reflect.DeepEqual(s, back) {
			t.Fatalf("the file reads back differently:\n%s", out)
		}
	})
}
