package learn

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// effect is what an operation changes: a transfer, or a record.
type effect struct {
	record                 string // created; empty: a transfer
	from, to, amount, unit string // templates
}

func (e *effect) flow() string {
	if e.record != "" {
		return fmt.Sprintf("{create: {record: %s}}", flow(e.record))
	}
	return fmt.Sprintf("{transfer: {from: %s, to: %s, amount: %s, unit: %s}}", flow(e.from), flow(e.to), flow(e.amount), flow(e.unit))
}

// flowAll are the changes of one call.
func flowAll(all []*effect) string {
	texts := make([]string, len(all))
	for i, e := range all {
		texts[i] = e.flow()
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// replaced is a change with other fields of the request.
func (e effect) replaced(r *strings.Replacer) *effect {
	return &effect{record: r.Replace(e.record), from: r.Replace(e.from), to: r.Replace(e.to), amount: r.Replace(e.amount), unit: r.Replace(e.unit)}
}

// effectOf is what an operation changes, of a list with amounts each item; none: nothing is said
// of it.
func (s *Shapes) effectOf(o *operation, each string, saga guess) ([]*effect, string) {
	amount, number := s.amount(o)
	noun := plain(singular(o.noun()))
	whose := saga.path()
	if each != "" {
		whose = each
	}
	if amount == "" {
		if each == "" {
			return nil, "no number in the request looks like an amount: it leaves a record"
		}
		return []*effect{{record: fmt.Sprintf("%s:${%s}", noun, each)}}, "no number in the request looks like an amount: a record for each " + each
	}
	from := noun
	if whose != "" {
		from = fmt.Sprintf("%s:${%s}", plain(lastName(whose)), whose)
	}
	unit, why := s.unit(o, amount)
	first := effect{from: from, to: plain(o.service), amount: "${" + whole(amount, number) + "}", unit: unit}
	all := []*effect{&first}
	if items := o.items(amount); len(items) > 1 {
		all, why = nil, why+fmt.Sprintf("; the start has %d such items", len(items))
		for _, item := range items {
			all = append(all, first.replaced(strings.NewReplacer(items[0], item)))
		}
	}
	return all, amount + " looks like an amount; " + why
}

// ofAction are fields of a request as the undo of it has them.
var ofAction = strings.NewReplacer("${request.", "${action.request.", "(request.", "(action.request.")

// back is the change that gives an amount back.
func (e *effect) back(amount string) *effect {
	return &effect{from: e.to, to: e.from, amount: amount, unit: e.unit}
}

// undoEffect is what an operation changes that gives back an amount of its own, or one item of
// several; none: the inverse.
func (s *Shapes) undoEffect(u *operation, did []*effect, p pair) ([]*effect, string) {
	amount, number := s.amount(u)
	items := u.items(amount)
	switch {
	case len(did) == 0 || did[0].record != "" || amount == "" && p.item == nil:
		return nil, "it says no amount: all that was done is given back"
	case p.item != nil && len(did) > 1:
		return s.itemEffect(u, did[0], p)
	case amount == "":
		return nil, "TODO: how much of the amount of " + p.of.request() + " it gives back"
	case len(did) > 1 && len(items) != len(did):
		return nil, "TODO: it says an amount of its own: of which of the changes of " + p.of.request() + "?"
	}
	var all []*effect
	for i, e := range did {
		own := amount
		if len(items) == len(did) {
			own = strings.Replace(amount, items[0], items[i], 1)
		}
		all = append(all, e.replaced(ofAction).back("${"+whole(own, number)+"}"))
	}
	return all, "it says an amount of its own"
}

// itemEffect is what an operation gives back that names one item of several; first is what was
// done for the first of them.
func (s *Shapes) itemEffect(u *operation, first *effect, p pair) ([]*effect, string) {
	asked, _ := s.amount(p.of)
	if !p.item.goesWith(p.of, asked) {
		return nil, "TODO: which of the changes of " + p.of.request() + " it gives back"
	}
	was := first.replaced(ofAction).replaced(strings.NewReplacer(p.of.items(asked)[0], p.item.of(asked)))
	amount, number := s.amount(u)
	if amount == "" {
		return []*effect{was.back(was.amount)}, "the item that it names; " + asked + " is its amount"
	}
	return []*effect{was.back("${" + whole(amount, number) + "}")}, "the item that it names, and an amount of its own"
}

// amount is the field that looks like one, of a list that of its first item, in a form as a text.
func (s *Shapes) amount(o *operation) (path string, first leaf) {
	fields := map[string]leaf{} // by what they are of any item: the first
	for _, l := range o.common() {
		if !isNumber(l) || !amountKey.MatchString(l.key) || !strings.HasPrefix(l.path, "request.body") {
			continue
		}
		of := anyItem(l.path)
		if _, again := fields[of]; !again {
			fields[of] = l
		}
		if path == "" || moneyKey.MatchString(l.key) {
			path, first = fields[of].path, fields[of]
		}
	}
	return path, first
}

// isNumber tells whether a value is one, if as a text.
func isNumber(l leaf) bool {
	_, err := strconv.ParseFloat(l.text, 64)
	return l.number || err == nil
}

// whole is the expression of an amount in whole units.
func whole(path string, amount leaf) string {
	_, err := json.Number(amount.text).Int64()
	switch {
	case err == nil && amount.number:
		return path
	case err == nil:
		return "int(" + path + ")"
	case !amount.number:
		path = "float(" + path + ")"
	}
	return "int(round(" + path + " * 100))"
}

func (s *Shapes) unit(o *operation, amount string) (unit, why string) {
	for _, l := range o.common() {
		if strings.EqualFold(l.key, "currency") || strings.EqualFold(l.key, "unit") {
			return "${" + l.path + "}", "the request says the unit"
		}
	}
	if moneyKey.MatchString(amount) {
		return "money", "TODO: unit?"
	}
	return "piece", "TODO: unit?"
}

// path is the expression's own value, without of().
func (g guess) path() string {
	if g.text == "only" {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(g.text, "of("), ")")
}

// lastName is the last name of an expression: request.body.sku → sku.
func lastName(path string) string {
	return strings.Trim(path[strings.LastIndexAny(path, ".[")+1:], `"]`)
}

// noun is what an operation is about: the last word of its path that is no verb.
func (o *operation) noun() string {
	for i := len(o.parts) - 1; i >= 0; i-- {
		if !parameter(o.parts[i]) && !(i > 0 && parameter(o.parts[i-1])) {
			return o.parts[i]
		}
	}
	return o.service
}
