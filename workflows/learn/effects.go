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

// effectOf is what an operation changes; nil: nothing is said of it.
func (s *Shapes) effectOf(o *operation, each string, saga guess) (*effect, string) {
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
		return &effect{record: fmt.Sprintf("%s:${%s}", noun, each)}, "no number in the request looks like an amount: a record for each " + each
	}
	from := noun
	if whose != "" {
		from = fmt.Sprintf("%s:${%s}", plain(lastName(whose)), whose)
	}
	unit, why := s.unit(o, amount)
	return &effect{from: from, to: plain(o.service), amount: "${" + whole(amount, number) + "}", unit: unit}, amount + " looks like an amount; " + why
}

// undoEffect is what an operation changes that gives back an amount of its own; nil: the
// inverse.
func (s *Shapes) undoEffect(u *operation, did *effect) (*effect, string) {
	amount, number := s.amount(u)
	if amount == "" || did == nil || did.record != "" {
		return nil, "it says no amount: all that was done is given back"
	}
	action := strings.NewReplacer("${request.", "${action.request.")
	return &effect{
		from: action.Replace(did.to), to: action.Replace(did.from),
		amount: "${" + whole(amount, number) + "}", unit: action.Replace(did.unit),
	}, "it says an amount of its own"
}

// amount is the field that looks like one, in a form as a text.
func (s *Shapes) amount(o *operation) (path string, first leaf) {
	for _, l := range o.common() {
		if isNumber(l) && amountKey.MatchString(l.key) && strings.HasPrefix(l.path, "request.body") && (path == "" || moneyKey.MatchString(l.key)) {
			path, first = l.path, l
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
