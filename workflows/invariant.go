package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
)

// When is when an invariant must hold.
type When string

// The times of invariants.
const (
	Always    When = "always"    // after every effect
	Settled   When = "settled"   // when the saga has ended and all is silent
	Sometimes When = "sometimes" // at the end of some saga of a run
)

// condition is an invariant, compiled.
type condition struct {
	name   string
	when   When
	expr   *vm.Program   // over facts; with a question, over what it gives besides
	ask    question      // nil: none
	limit  time.Duration // of the question
	source string
}

// question asks somebody outside for what an invariant is about.
type question interface {
	// ask gives what vars names. The error is about a question that has no answer.
	ask(ctx context.Context, s setting) (map[string]any, error)
	vars() []string
}

// setting is what a question is about.
type setting struct {
	Facts
	fill func(string) string // puts the values of the system's templates in
	dir  string              // of the file, that paths are relative to
}

// Facts are what is known of a saga when its invariants are checked.
type Facts struct {
	Saga    SagaVars
	Status  saga.Status
	Effects []any // in their order: {step, instance, direction, part, attempt, ref, of, amount, unit, postings, writes}
	Calls   []any // that were answered: {step, instance, direction, part, attempt, code}
	Before  []int // how many of Calls were answered before each of Effects
}

func (f Facts) env() map[string]any {
	return map[string]any{
		"saga": map[string]any{"id": f.Saga.ID}, "id": f.Saga.Own, "start": f.Saga.Start.vars, "status": string(f.Status),
		"effects": f.Effects, "calls": f.Calls,
	}
}

// Checked is what became of an invariant of one saga.
type Checked struct {
	Name   string
	When   When
	Holds  bool
	Detail string // what was asked and found
}

// askLimit bounds a question to somebody outside.
const askLimit = 10 * time.Second

// askAgain is how long after an answer that breaks an invariant it is asked for again.
const askAgain = 25 * time.Millisecond

// Check checks all invariants of a saga that has ended; fill puts the values of the
// system's templates in. Who is asked may follow the calls after a while: what does not
// hold is asked for again until it does, or the time is over. The error is about an
// invariant that could not be checked.
func (w *Workflow) Check(ctx context.Context, f Facts, fill func(string) string, until time.Time) ([]Checked, error) {
	var all []Checked
	var errs []error
	for _, c := range w.conditions {
		one, err := w.check(ctx, c, f, fill)
		for c.ask != nil && c.when == Settled && (err != nil || !one.Holds) && ctx.Err() == nil && time.Now().Before(until) {
			time.Sleep(askAgain)
			one, err = w.check(ctx, c, f, fill)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("invariant %s: %w", c.name, err))
			continue
		}
		all = append(all, one)
	}
	return all, errors.Join(errs...)
}

func (w *Workflow) check(ctx context.Context, c condition, f Facts, fill func(string) string) (Checked, error) {
	done := Checked{Name: c.name, When: c.when, Detail: c.source}
	if c.when == Always {
		return done, c.always(f, &done)
	}
	env := f.env()
	if c.ask != nil {
		found, err := c.find(ctx, setting{f, fill, w.dir})
		if err != nil {
			return done, err
		}
		maps.Copy(env, found)
		done.Detail += w.detail(found)
	}
	var err error
	if done.Holds, err = truth(c.expr, env); err != nil {
		err = fmt.Errorf("%w (%s)", err, done.Detail)
	}
	return done, err
}

// find asks whom the invariant asks, for so long and no longer.
func (c condition) find(ctx context.Context, s setting) (map[string]any, error) {
	limited, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	found, err := c.ask.ask(limited, s)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		err = fmt.Errorf("no answer within %v: %w", c.limit, err)
	}
	return found, err
}

// longestDetail bounds what the history keeps of what was found.
const longestDetail = 2000

// detail is what was found, in words, without what is to be hidden.
func (w *Workflow) detail(found map[string]any) string {
	all := ""
	for _, name := range slices.Sorted(maps.Keys(found)) {
		text := fmt.Sprint(found[name])
		if b, err := json.Marshal(found[name]); err == nil {
			text = w.redacted(string(b))
		}
		all += fmt.Sprintf("; %s: %.*s", name, longestDetail, text)
	}
	return all
}

// after is what was known when the n-th effect was done; n is 0: before the first one.
func (f Facts) after(n int) Facts {
	answered := 0
	if n > 0 {
		answered = f.Before[n-1]
	}
	f.Effects, f.Calls = f.Effects[:n], f.Calls[:answered]
	return f
}

// always checks the state before and after each effect, and at the end.
func (c condition) always(f Facts, done *Checked) error {
	for n := range len(f.Effects) + 2 {
		g := f
		if n <= len(f.Effects) {
			g = f.after(n)
		}
		holds, err := truth(c.expr, g.env())
		if err != nil || !holds {
			done.Detail += fmt.Sprintf("; after %d of %d effects", len(g.Effects), len(f.Effects))
			return err
		}
	}
	done.Holds = true
	return nil
}

var systemPlace = regexp.MustCompile(`^\$\{\s*(dir|engine|bin|port\.[a-z0-9_-]+)\s*\}$`)

var factVars = []string{"saga", "id", "start", "status", "effects", "calls"}

func (c *compiler) invariants() {
	seen := map[string]bool{}
	for i, inv := range c.w.Invariants {
		at := fmt.Sprintf("invariants[%d]", i)
		c.name(at+".name", inv.Name)
		if seen[inv.Name] {
			c.bad(at+".name", "%q is there twice", inv.Name)
		}
		seen[inv.Name] = true
		c.invariant(at, inv)
	}
}

func (c *compiler) invariant(at string, inv Invariant) {
	given := map[When]any{Always: inv.Always, Settled: inv.Settled, Sometimes: inv.Sometimes}
	var when When
	for _, w := range []When{Always, Settled, Sometimes} {
		switch {
		case given[w] == nil:
		case when != "":
			c.bad(at+"."+string(w), "expected one of always, settled and sometimes: %s is there already", when)
			return
		default:
			when = w
		}
	}
	if when == "" {
		c.bad(at, "expected one of always, settled and sometimes")
		return
	}
	at += "." + string(when)
	done := condition{name: inv.Name, when: when, limit: askLimit}
	switch v := given[when].(type) {
	case string:
		if inv.Expect != "" {
			c.bad(strings.TrimSuffix(at, string(when))+"expect", "is for sql, http and command: the expression says it all")
		}
		known := factVars
		if when == Always {
			known = slices.DeleteFunc(slices.Clone(factVars), func(v string) bool { return v == "status" })
		}
		done.source, done.expr = v, c.expression(at, v, known...)
	case map[string]any:
		if when == Always {
			c.bad(at, "expected an expression: nobody outside is asked after every effect")
			return
		}
		done.ask, done.source = c.question(at, v)
		if done.ask == nil {
			return
		}
		if inv.Expect == "" {
			c.bad(strings.TrimSuffix(at, string(when))+"expect", "must be given: an expression that is true of what was found")
			return
		}
		done.source += ": " + inv.Expect
		done.expr = c.expression(strings.TrimSuffix(at, string(when))+"expect", inv.Expect, append(slices.Clone(factVars), done.ask.vars()...)...)
		if done.expr == nil {
			return
		}
		switch q := done.ask.(type) {
		case *command:
			q.coded = looksAt(done.expr, "code")
		case *sqlAsk:
			q.columns = columnsOf(done.expr)
		}
	default:
		c.bad(at, "expected an expression, or a mapping with sql, http or command")
	}
	c.w.conditions = append(c.w.conditions, done)
}

// placed refuses places of a system that is not started here.
func (c *compiler) placed(at, text string) {
	for _, p := range orchestrators.Template.FindAllString(text, -1) {
		if systemPlace.MatchString(p) && !c.w.Startable() {
			c.bad(at, "%s: the system runs already, and has no such place: expected what it stands for", p)
		}
	}
}

// question compiles {sql, dsn}, {http} or {command}; nil: it is none of them.
func (c *compiler) question(at string, v map[string]any) (question, string) {
	switch {
	case v["sql"] != nil:
		s := c.texts(at, v, "sql", "dsn")
		return c.sqlQuestion(at, s[0], s[1]), s[0]
	case v["http"] != nil:
		s := c.texts(at, v, "http")
		return c.httpQuestion(at, s[0]), s[0]
	case v["command"] != nil:
		c.fields(at, v, "command")
		return c.commandQuestion(at, v["command"])
	}
	c.bad(at, "expected sql with dsn, http, or command")
	return nil, ""
}

// fields refuses fields of other names.
func (c *compiler) fields(at string, v map[string]any, names ...string) {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if !slices.Contains(names, name) {
			c.bad(at+"."+name, "unknown field: expected %s", strings.Join(names, " and "))
		}
	}
}

// texts are the fields of those names, and there are no others.
func (c *compiler) texts(at string, v map[string]any, names ...string) []string {
	c.fields(at, v, names...)
	var all []string
	for _, name := range names {
		s, _ := v[name].(string)
		if s == "" {
			c.bad(at+"."+name, "must be given")
		}
		all = append(all, s)
	}
	return all
}

// Places of the system's templates (${dir}, ${port.http}) are no expressions: they are
// put aside while a text is read as a template.
func escapePlaces(s string) string {
	return orchestrators.Template.ReplaceAllStringFunc(s, func(p string) string {
		if systemPlace.MatchString(p) {
			return "\x00" + p[2:len(p)-1] + "\x01"
		}
		return p
	})
}

func unescapePlaces(s string) string {
	return strings.NewReplacer("\x00", "${", "\x01", "}").Replace(s)
}
