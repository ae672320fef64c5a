package workflows

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// effect is what an operation changes.
type effect struct {
	inverse bool // of what it undoes
	changes []change
	none    bool // nothing was said: a record of its own
}

// change is one change, its texts templates.
type change struct {
	kind   string
	fields map[string]*templates.Tree
}

// fieldsOf are the fields of each kind of change.
var fieldsOf = map[string][]string{
	"transfer": {"from", "to", "amount", "unit"},
	"set":      {"register", "from", "to"},
	"create":   {"record"},
	"delete":   {"record"},
}

// effect compiles inverse, a change, or a list of them.
func (c *compiler) effect(at string, v any, undoes bool) effect {
	switch v := v.(type) {
	case nil:
		return effect{inverse: undoes, none: !undoes}
	case string:
		switch {
		case v != "inverse":
			c.bad(at, "%q: expected a list of changes (transfer, set, create, delete), or inverse for an operation that undoes another", v)
		case !undoes:
			c.bad(at, "%q: expected undoes: what this is the inverse of", v)
		}
		return effect{inverse: true}
	case []any:
		var e effect
		for i, x := range v {
			e.changes = append(e.changes, c.change(fmt.Sprintf("%s[%d]", at, i), x, effectVars))
		}
		return e
	}
	return effect{changes: []change{c.change(at, v, effectVars)}}
}

// keeps compiles what stays of what an operation undoes: transfers.
func (c *compiler) keeps(at string, v any) (e effect) {
	list, several := v.([]any)
	switch {
	case v == nil:
		return e
	case !several:
		list = []any{v}
	}
	for i, x := range list {
		field := at
		if several {
			field = fmt.Sprintf("%s[%d]", at, i)
		}
		if m, ok := x.(map[string]any); !ok || m["transfer"] == nil {
			c.bad(field, "expected a transfer, or a list of them: what stays of the effect that is undone")
			continue
		}
		e.changes = append(e.changes, c.change(field, x, keepsVars))
	}
	return e
}

func (c *compiler) change(at string, v any, vars []string) change {
	out := change{fields: map[string]*templates.Tree{}}
	m, _ := v.(map[string]any)
	if len(m) != 1 {
		c.bad(at, "expected one of transfer, set, create and delete; several changes are a list")
		return out
	}
	for kind, raw := range m {
		known := fieldsOf[kind]
		if known == nil {
			c.bad(at+"."+kind, "unknown change: expected transfer, set, create or delete")
			return out
		}
		fields, ok := raw.(map[string]any)
		if !ok {
			c.bad(at+"."+kind, "expected a mapping with %s", strings.Join(known, ", "))
			return out
		}
		out.kind = kind
		c.changeFields(at+"."+kind, out, fields, vars)
	}
	return out
}

func (c *compiler) changeFields(at string, out change, fields map[string]any, vars []string) {
	known := fieldsOf[out.kind]
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			c.bad(at+"."+name, "unknown field %q: expected one of %s", name, strings.Join(known, ", "))
			continue
		}
		out.fields[name] = c.tree(at+"."+name, fields[name], vars)
		if name == "amount" && out.fields[name] != nil {
			c.amount(at+"."+name, fields[name], vars)
		}
	}
	for _, name := range known {
		_, given := fields[name]
		if !given && !(out.kind == "set" && (name == "from" || name == "to")) {
			c.bad(at+"."+name, "is missing: expected %s", strings.Join(known, ", "))
		}
	}
}

// amount checks what is known of an amount when the file is read: a number, or a text
// that is more than one template.
func (c *compiler) amount(at string, v any, vars []string) {
	if s, ok := v.(string); ok && strings.Contains(s, "${") {
		if t, err := templates.ParseText(s, vars...); err == nil && !t.Single() {
			c.bad(at, "%q: expected one template and nothing around it, or a whole number", s)
		}
		return
	}
	if n, err := whole(v); err != nil {
		c.add(at, err)
	} else if n <= 0 {
		c.bad(at, "%d: expected more than 0: from and to say in which direction", n)
	}
}

// of is the effect of a call; undone is that of the action which it undoes, if it names
// one.
func (e effect) of(op *Operation, s SagaVars, env map[string]any, undone *saga.Effect) (saga.Effect, error) {
	switch {
	case e.inverse && undone != nil:
		return undone.Inverse(), nil
	case e.inverse:
		return saga.Effect{Writes: []saga.Write{{Register: record(op.Undone(), s), From: scenarios.Exists}}}, nil
	case e.none:
		return saga.Effect{Writes: []saga.Write{{Register: record(op, s), To: scenarios.Exists}}}, nil
	}
	var out saga.Effect
	for _, c := range e.changes {
		if err := c.apply(&out, op.Service, env); err != nil {
			return saga.Effect{}, err
		}
	}
	return out, out.Validate()
}

// record is the register of an operation of which nobody has said what it changes.
func record(op *Operation, s SagaVars) string { return op.Service + "/" + op.Name + ":" + s.ID }

func (c change) apply(out *saga.Effect, service string, env map[string]any) error {
	texts := map[string]string{}
	for name, t := range c.fields {
		v, err := t.Value(env)
		switch {
		case err != nil:
			return fmt.Errorf("%s.%s: %w", c.kind, name, err)
		case v == nil:
			return fmt.Errorf("%s.%s: its template gives nothing", c.kind, name)
		}
		if name == "amount" {
			if v, err = whole(v); err != nil {
				return fmt.Errorf("%s.amount: %w", c.kind, err)
			}
		}
		texts[name] = text(v)
	}
	full := func(field string) string { return service + "/" + texts[field] }
	switch c.kind {
	case "transfer":
		var n int64
		if _, err := fmt.Sscan(texts["amount"], &n); err != nil {
			return fmt.Errorf("transfer.amount: %q: expected a whole number", texts["amount"])
		}
		out.Postings = append(out.Postings,
			saga.Posting{Account: full("from"), Amount: -n, Unit: texts["unit"]}, saga.Posting{Account: full("to"), Amount: n, Unit: texts["unit"]})
	case "set":
		out.Writes = append(out.Writes, saga.Write{Register: full("register"), From: texts["from"], To: texts["to"]})
	case "create":
		out.Writes = append(out.Writes, saga.Write{Register: full("record"), To: scenarios.Exists})
	case "delete":
		out.Writes = append(out.Writes, saga.Write{Register: full("record"), From: scenarios.Exists})
	}
	return nil
}

// whole is an amount as a whole number.
func whole(v any) (int64, error) {
	switch n := v.(type) {
	case int:
		return int64(n), nil
	case int64:
		return n, nil
	case uint64:
		return int64(n), nil
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int64(n), nil
		}
	case json.Number:
		return n.Int64()
	case string:
		var i int64
		if _, err := fmt.Sscan(n, &i); err == nil && fmt.Sprint(i) == n {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%v: expected a whole number (of cents, of pieces): multiply and use round() where it is none (int() cuts off: int(19.99 * 100) is 1998)", v)
}
