package learn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// leaf is a text or a number in a message.
type leaf struct {
	path   string // as expressions name it: request.body.items[0].sku
	key    string // its last name: sku
	text   string
	number bool
}

// value decodes a message; numbers are json.Number.
func value(raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if len(raw) == 0 || dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// leaves are those of a value, whose own name is path.
func leaves(path, key string, v any) (all []leaf) {
	switch v := v.(type) {
	case string:
		if v != "" {
			all = append(all, leaf{path: path, key: key, text: v})
		}
	case json.Number:
		all = append(all, leaf{path: path, key: key, text: v.String(), number: true})
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			all = append(all, leaves(member(path, k), k, v[k])...)
		}
	case []any:
		for i, x := range v {
			all = append(all, leaves(fmt.Sprintf("%s[%d]", path, i), key, x)...)
		}
	}
	return all
}

// lists are those of a value, whose own name is path: their JSON by path.
func lists(path string, v any) map[string]string {
	all := map[string]string{}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			maps.Copy(all, lists(member(path, k), x))
		}
	case []any:
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // it was JSON
		}
		all[path] = string(b)
		for i, x := range v {
			maps.Copy(all, lists(fmt.Sprintf("%s[%d]", path, i), x))
		}
	}
	return all
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// member is the expression for a field of a value.
func member(of, name string) string {
	if identifier.MatchString(name) {
		return of + "." + name
	}
	return fmt.Sprintf("%s[%q]", of, name)
}

var (
	nameKey   = regexp.MustCompile(`(?i)(^|_|-)(id|name|customer|client|user|account|order|sku|article|product|item|ref|reference|number|key|email|tenant)$|(Id|ID|Ref|Key|Number|Name|Sku|SKU)$`)
	idKey     = regexp.MustCompile(`(?i)(^|_|-)(id|uuid|guid|ref|reference|number|key|token)$|(Id|ID|Ref|Key|Number)$`)
	amountKey = regexp.MustCompile(`(?i)(^|_|-)(amount|total|price|sum|quantity|qty|count|pieces|cents)$|(Amount|Total|Price|Sum|Quantity|Qty|Cents)$`)
	moneyKey  = regexp.MustCompile(`(?i)(amount|total|price|sum|cents)$`)
	digits    = regexp.MustCompile(`^[0-9]+$`)
	uuid      = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

// looksDrawn tells whether nobody would write a text by hand: an id.
func looksDrawn(s string) bool {
	return digits.MatchString(s) || uuid.MatchString(s) || len(s) >= 8 && strings.ContainsAny(s, "0123456789")
}

// singular is the name of one of several: payments → payment.
func singular(s string) string {
	switch {
	case strings.HasSuffix(s, "ies"):
		return strings.TrimSuffix(s, "ies") + "y"
	case strings.HasSuffix(s, "sses"), strings.HasSuffix(s, "xes"), strings.HasSuffix(s, "ches"):
		return strings.TrimSuffix(s, "es")
	case strings.HasSuffix(s, "ss"), strings.HasSuffix(s, "us"):
		return s
	}
	return strings.TrimSuffix(s, "s")
}

var notPlain = regexp.MustCompile(`[^a-z0-9]+`)

// plain is a name as a workflow's file takes it.
func plain(s string) string {
	s = regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(s, "$1-$2")
	return strings.Trim(notPlain.ReplaceAllString(strings.ToLower(s), "-"), "-")
}
