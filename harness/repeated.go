package harness

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// Repeated makes the sagas of a stored cell again: the same steps, effects, policies and
// budgets, under new ids and addresses.
type Repeated struct {
	Definitions []saga.Definition
	Registers   map[string]string
}

var _ Source = Repeated{}

// Build puts the new ids in the place of the old ones, also where they are part
// of the name of an account or a register.
func (f Repeated) Build(ids []string, address scenarios.Address) ([]saga.Definition, map[string]string) {
	renew := newRenewer(f.Definitions, ids)
	var defs []saga.Definition
	for n, d := range f.Definitions {
		again := d
		again.ID, again.Version, again.Steps = ids[n], "", nil // versions are of the plan: see cellRun.versions
		for _, s := range d.Steps {
			again.Steps = append(again.Steps, f.step(s, n, renew, address))
		}
		defs = append(defs, again)
	}
	registers := map[string]string{}
	for name, value := range f.Registers {
		registers[renew.all(name)] = renew.all(value)
	}
	return defs, registers
}

// renewer puts new ids in the place of old ones, where they stand alone: the id c-1
// is not in c-10, nor in abc-1.
type renewer struct {
	old *regexp.Regexp
	new map[string]string
}

func newRenewer(definitions []saga.Definition, ids []string) *renewer {
	r := &renewer{new: map[string]string{}}
	var olds []string
	for n, d := range definitions {
		r.new[d.ID] = ids[n]
		olds = append(olds, regexp.QuoteMeta(d.ID))
	}
	// The longest first, since c-1 may stand at the beginning of another id, c-1-2.
	slices.SortFunc(olds, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	r.old = regexp.MustCompile(strings.Join(olds, "|"))
	return r
}

func (r *renewer) all(s string) string {
	var b strings.Builder
	for at := 0; at < len(s); {
		place := r.old.FindStringIndex(s[at:])
		if place == nil {
			b.WriteString(s[at:])
			break
		}
		from, to := at+place[0], at+place[1]
		if inWord(s[:from], s[from:to]) || inWord(s[from:to], s[to:]) {
			to = from + 1 // it may begin anew within what was no id
			b.WriteString(s[at:to])
		} else {
			b.WriteString(s[at:from] + r.new[s[from:to]])
		}
		at = to
	}
	return b.String()
}

// escape is one of JSON, at the end of a text: its letters are no part of a word.
var escape = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\\(?:u[0-9a-fA-F]{4}|[bfnrt])$`)

// inWord tells whether the place between two texts is inside a word.
func inWord(before, after string) bool {
	if escape.MatchString(before[max(0, len(before)-longestEscape):]) {
		return false
	}
	a, _ := utf8.DecodeLastRuneInString(before)
	b, _ := utf8.DecodeRuneInString(after)
	return isWord(a) && isWord(b)
}

// longestEscape is how far back an escape is looked for, with backslashes before it.
const longestEscape = 40

func isWord(r rune) bool {
	return r != utf8.RuneError && (r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r))
}

func (f Repeated) step(s saga.Step, n int, renew *renewer, address scenarios.Address) saga.Step {
	s.Action.Body = []byte(renew.all(string(s.Action.Body)))
	s.Action = renewNames(s.Action, renew)
	s.Action.URL = address(n, saga.StepRef{Step: s.Name, Direction: saga.Action})
	if s.Compensation != nil {
		undo := *s.Compensation
		undo.Body = []byte(renew.all(string(undo.Body)))
		undo = renewNames(undo, renew)
		undo.URL = address(n, saga.StepRef{Step: s.Name, Direction: saga.Compensation})
		s.Compensation = &undo
	}
	if s.ReadBack != "" {
		s.ReadBack = address(n, saga.StepRef{Step: s.Name, Direction: saga.ReadingBack})
	}
	return s
}

// renewNames gives what calls share a name of the new cell.
func renewNames(c saga.Call, renew *renewer) saga.Call {
	if c.Breaker != nil {
		b := *c.Breaker
		b.Name = renew.all(b.Name)
		c.Breaker = &b
	}
	if c.RetryBudget != nil {
		b := *c.RetryBudget
		b.Name = renew.all(b.Name)
		c.RetryBudget = &b
	}
	c.Retry.Adaptive.Name = renew.all(c.Retry.Adaptive.Name)
	return c
}
