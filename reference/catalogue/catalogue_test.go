package catalogue

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// file is one with two versions of order, and one of trip.
const file = `sagas:
  order:
    - version: "1"
      steps:
        - name: charge
          kind: compensatable
          action: {url: "http://127.0.0.1:1/a", body: {amount: 1.5}, retry: {max_attempts: 1, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 100}}
    - version: "2"
      share: 10%
      budget: {attempts: 7}
      steps:
        - name: pay
          kind: retriable
          action: {url: "http://127.0.0.1:1/b", retry: {max_attempts: 0, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 100}}
  trip:
    - steps:
        - name: book
          kind: compensatable
          action: {url: "http://127.0.0.1:1/c", retry: {max_attempts: 1, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 100}}
`

func mustParse(t *testing.T, text string) *Catalogue {
	t.Helper()
	c, err := Parse("sagas.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func choose(t *testing.T, c *Catalogue, id, name, version string) saga.Definition {
	t.Helper()
	d, err := c.Choose(saga.Definition{ID: id, Name: name, Version: version})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A saga gets the same version whenever it is asked for; of many a tenth gets the canary, and a share that grows keeps
// those that it had.
func TestChoose(t *testing.T) {
	c, more := mustParse(t, file), mustParse(t, strings.Replace(file, "10%", "30%", 1))
	counts := map[string]int{}
	const n = 20_000
	for i := range n {
		id := fmt.Sprintf("c17-%d", i)
		d, again, grown := choose(t, c, id, "order", ""), choose(t, c, id, "order", ""), choose(t, more, id, "order", "")
		if d.ID != id || d.Name != "order" || d.Version != again.Version || d.Version == "2" && grown.Version != "2" {
			t.Fatalf("%+v, %+v, %+v", d, again, grown)
		}
		counts[d.Version]++
		counts["grown "+grown.Version]++
	}
	for version, share := range map[string]float64{"2": 0.1, "grown 2": 0.3} { // 5 standard deviations are 0.011 and 0.016
		if got := float64(counts[version]) / n; got < share-0.017 || got > share+0.017 {
			t.Errorf("%s: a share of %v, want %v", version, got, share)
		}
	}
	if d := choose(t, c, "x", "order", "2"); d.Version != "2" || d.Steps[0].Name != "pay" || d.Budget.Attempts != 7 {
		t.Errorf("%+v", d)
	}
	if d := choose(t, c, "x", "order", "1"); string(d.Steps[0].Action.Body) != `{"amount":1.5}` {
		t.Errorf("%s", d.Steps[0].Action.Body)
	}
	if d := choose(t, c, "x", "trip", ""); d.Version != "" || d.Steps[0].Name != "book" {
		t.Errorf("%+v", d)
	}
	for asked, want := range map[string]string{"order 3": `version: "3": order has no such version`, "shop ": `name: no definition is called "shop": expected one of order, trip`} {
		name, version, _ := strings.Cut(asked, " ")
		if _, err := c.Choose(saga.Definition{ID: "x", Name: name, Version: version}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", asked, err)
		}
	}
}

// Shares of 0% and 100% are nobody's and everybody's.
func TestNobodysAndEverybodysShare(t *testing.T) {
	for share, want := range map[string]string{"0%": "1", "100%": "2"} {
		c := mustParse(t, strings.Replace(file, "10%", share, 1))
		for i := range 1000 {
			if d := choose(t, c, fmt.Sprint(i), "order", ""); d.Version != want {
				t.Fatalf("%s: version %q of saga %d", share, d.Version, i)
			}
		}
	}
}

// All mistakes of a file are named at once, with their places.
func TestParseNamesEveryMistake(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"share: 10%", "share: ten", `sagas.yaml:9:14: sagas.order[1].share: "ten": expected 0% to 100%`},
		{"share: 10%", "share: 101%", `"101%": expected 0% to 100%`},
		{"      share: 10%\n", "", "sagas.order[1]: expected a share, as 10%"},
		{"version: \"1\"", "{version: \"1\", share: 95%", "not YAML"},
		{"- version: \"1\"", "- version: \"1\"\n      share: 95%", "sagas.yaml:3:5: sagas.order: expected one version without a share"},
		{`version: "2"`, `version: "1"`, `sagas.yaml:8:16: sagas.order[1].version: "1" is there twice`},
		{`version: "2"`, `version: 2`, `sagas.yaml:8:16: sagas.order[1].version: "2": expected a text`},
		{"kind: compensatable", "kind: sometimes", `sagas.yaml:6:17: sagas.order[0].steps[0].kind: "sometimes"`},
		{"max_attempts: 1,", "max_attempts: -1,", "sagas.yaml:7:92: sagas.order[0].steps[0].action.retry.max_attempts: -1"},
		{"max_attempts: 1,", "max_attempt: 1,", "sagas.order[0].steps[0].action.retry.max_attempt: "},
		{"http://127.0.0.1:1/b", "ftp://127.0.0.1:1/b", `sagas.order[1].steps[0].action.url: "ftp://127.0.0.1:1/b": expected http://`},
		{"attempts: 7", "attempts: -7", "sagas.order[1].budget.attempts: -7"},
		{"trip:", strings.Repeat("n", 201) + ":", "201 bytes: expected at most 200"},
		{"    - steps:", "    - step:", `unknown field "step"`},
		{file, "sagas: {}\n", "sagas: expected at least one"},
		{file, "", "the file is empty"},
	} {
		_, err := Parse("sagas.yaml", []byte(strings.Replace(file, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s → %.60s: %v\nexpected %s", c.old, c.new, err, c.want)
		}
	}
	three := file + "  more:\n    - {version: a, share: 60%, steps: []}\n    - {version: b, share: 60%, steps: []}\n    - {version: c, steps: []}\n"
	if _, err := Parse("sagas.yaml", []byte(three)); err == nil || !strings.Contains(err.Error(), "sagas.more: the shares are 120% together") {
		t.Error(err)
	}
}

// Shares add up to exactly what they say: as floating-point numbers these three are more than 100 %.
func TestSharesAddUp(t *testing.T) {
	shares := file + "  more:\n    - {version: a, share: 0.2%, steps: []}\n    - {version: b, share: 83.9%, steps: []}\n    - {version: c, share: 15.9%, steps: []}\n    - {version: d, steps: []}\n"
	if _, err := Parse("sagas.yaml", []byte(shares)); err == nil || strings.Contains(err.Error(), "the shares are") {
		t.Error(err)
	}
}

// bodies are those of the calls of trip, of a file in which some are written so.
const bodies = `{"sagas": {"trip": [{"version": "1", "budget": {"attempts": 7}, "steps": [
  {"name": "book", "kind": "compensatable",
   "action": {"url": "http://127.0.0.1:1/a", "body": %s, "retry": {"max_attempts": 1, "initial_interval_ms": 1, "multiplier": 1.0, "max_interval_ms": 1, "jitter": 0, "attempt_timeout_ms": 100}}}
]}]}}`

// What a file in JSON has in bodies is sent byte for byte: an amount of 1e3 is no text, and 0.10 stays so.
func TestBodiesOfJSONStayAsTheyAre(t *testing.T) {
	for _, body := range []string{
		`{"amount": 1e3, "b":1E+2, "c": 1.5e3, "a":0.10, "big":123456789012345678901, "text":"1e3", "of": [4200.00, 9007199254740993]}`,
		"4200.00", `"<a&b>"`, `{"z": {"y": null,	"x" : "\u00e9\/"}}`, "[ ]", "{}", "true", `"\ud83d\ude00"`,
	} {
		c := mustParse(t, fmt.Sprintf(bodies, body))
		d := choose(t, c, "x", "trip", "")
		if got := string(d.Steps[0].Action.Body); got != body || d.Budget.Attempts != 7 || d.Version != "1" {
			t.Errorf("%s\nbecame %s, %+v", body, got, d)
		}
	}
}

// In YAML a number that would be sent otherwise than it stands there is refused, with its place; elsewhere than in bodies
// 1.0 is as good as 1.
func TestNumbersOfYAMLStayAsTheyAre(t *testing.T) {
	for number, want := range map[string]string{
		"1.5": "", "4200": "", "'1e3'": "", "12345678901234567890": "",
		"1e3": `the text "1e3"`, "4200.00": "4200", "0.10": "0.1", "123456789012345678901": "", "0x1F": "31", ".inf": "not at all",
	} {
		text := strings.Replace(strings.Replace(file, "amount: 1.5", "amount: "+number, 1), "multiplier: 1,", "multiplier: 1.0,", 1)
		_, err := Parse("sagas.yaml", []byte(text))
		stays := want == "" && number != "123456789012345678901"
		if stays != (err == nil) || err != nil && (!strings.HasPrefix(err.Error(), "sagas.yaml:7:64: sagas.order[0].steps[0].action.body.amount: "+number+" would be sent ") || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", number, err)
		}
	}
}

// Every step that is wrong is named, every call in it, and what is wrong besides: in a file in JSON, too.
func TestEveryMistakeOfAVersion(t *testing.T) {
	retry := `retry: {max_attempts: 1, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 100}`
	call := `{url: "http://127.0.0.1:1/a", ` + retry + `}`
	text := `sagas:
  order:
    - version: "1\n"
      budget: {attempts: 3}
      steps:
        - {name: A_b, kind: sometimes, action: {url: "ftp://127.0.0.1:1/a", ` + retry + `}, compensation: {url: "", ` + retry + `}, read_back: "x"}
        - {name: c, kind: nothing, action: ` + call + `}
        - {name: d, kind: compensatable, action: ` + strings.Replace(call, "max_attempts: 1", "max_attempts: -1", 1) + `, parts: [` + call + `]}
        - {name: e, kind: compensatable, actions: ` + call + `}
        - {name: f, kind: compensatable, action: {url: "http://127.0.0.1:1/a", ` + retry + `, breaker: {name: b}}}
    - version: "2"
      share: 1%
      steps:
        - {name: a, kind: pivot, after: [z], action: {url: "ftp://127.0.0.1:1/a", ` + retry + `}}
`
	_, err := Parse("sagas.yaml", []byte(text))
	if err == nil {
		t.Fatal("it was taken")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		"3:16: sagas.order[0].version: ", "4:26: sagas.order[0].budget.attempts: 3",
		"6:18: sagas.order[0].steps[0].name: ", "6:29: sagas.order[0].steps[0].kind: ", "6:54: sagas.order[0].steps[0].action.url: ",
		"sagas.order[0].steps[0].compensation.url: ", "sagas.order[0].steps[0].read_back: ",
		"7:27: sagas.order[0].steps[1].kind: ", "sagas.order[0].steps[2].compensation: ", "sagas.order[0].steps[2].action.retry.max_attempts: -1",
		"sagas.order[0].steps[3].actions: ", "sagas.order[0].steps[4].action.breaker: ",
		"sagas.order[1].steps[0].after: ", "sagas.order[1].steps[0].action.url: ",
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.Contains(got[i], want[i]) {
			t.Fatalf("%d: got\n%s\nwant\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// Calls that could not be made, or not beside those of another version, are named when the file is read.
func TestVersionsThatCouldNotStart(t *testing.T) {
	with := func(one, two string) string {
		text := strings.Replace(file, "retry: {max_attempts: 1,", one+", retry: {max_attempts: 1,", 1)
		return strings.Replace(text, "retry: {max_attempts: 0,", two+", retry: {max_attempts: 0,", 1)
	}
	breaker := "breaker: {name: bank, failures: 5, open_ms: 1000, probes: 1}"
	budget := "retry_budget: {name: bank, share: 0.1, min_per_second: 1, burst: 10}"
	for _, c := range []struct{ text, want string }{
		{with(breaker, breaker), ""},
		{with(budget, budget), ""},
		{with(breaker, strings.Replace(breaker, "bank", "other", 1)), ""},
		{with(breaker, strings.Replace(breaker, "5", "3", 1)), `sagas.yaml:14:58: sagas.order[1].steps[0].action.breaker: the breaker "bank" has other settings in sagas.order[0].steps[0].action.breaker: expected`},
		{with(budget, strings.Replace(budget, "10", "20", 1)), `sagas.yaml:14:63: sagas.order[1].steps[0].action.retry_budget: the retry budget "bank" has other settings in`},
	} {
		_, err := Parse("sagas.yaml", []byte(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%v\nexpected %s", err, c.want)
		}
	}
	c := mustParse(t, strings.Replace(file, "kind: retriable", `kind: retriable
          read_back: "http://books/"
          compensation: {url: "http://127.0.0.1:2/b", retry: {max_attempts: 0, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 100}}`, 1))
	err := c.Check(func(url string) error {
		if strings.HasPrefix(url, "http://127.0.0.1:1/") {
			return nil
		}
		return errors.New("no target")
	})
	if want := "sagas.yaml:14:22: sagas.order[1].steps[0].read_back: no target\nsagas.yaml:15:31: sagas.order[1].steps[0].compensation.url: no target"; err == nil || err.Error() != want {
		t.Errorf("%v\nexpected %s", err, want)
	}
}
