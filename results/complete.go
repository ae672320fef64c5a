package results

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// schema is what a report is held against of its JSON Schema: which fields it must have, and which words may stand
// there. All else the types say by which it is read.
type schema struct {
	Ref        string             `json:"$ref"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Required   []string           `json:"required"`
	Enum       []string           `json:"enum"`
	Defs       map[string]*schema `json:"$defs"`
}

// complete names the field of a report that is missing, or that has a word which nobody writes there.
func complete(report []byte) error {
	var s schema
	if err := json.Unmarshal(Schema, &s); err != nil {
		return fmt.Errorf("report.schema.json: %w", err)
	}
	var value any
	if err := json.Unmarshal(report, &value); err != nil {
		return err
	}
	return s.fits(s.Defs, "", value)
}

func (s *schema) fits(defs map[string]*schema, field string, value any) error {
	if s.Ref != "" {
		return defs[strings.TrimPrefix(s.Ref, "#/$defs/")].fits(defs, field, value)
	}
	switch v := value.(type) {
	case string:
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			return fmt.Errorf("%s: %q: expected one of %s", field, v, strings.Join(s.Enum, ", "))
		}
	case []any:
		for i := range v {
			if s.Items == nil {
				break
			}
			if err := s.Items.fits(defs, fmt.Sprintf("%s[%d]", field, i), v[i]); err != nil {
				return err
			}
		}
	case map[string]any:
		return s.fitsObject(defs, field, v)
	}
	return nil
}

func (s *schema) fitsObject(defs map[string]*schema, field string, object map[string]any) error {
	for _, name := range s.Required {
		if _, there := object[name]; !there {
			return fmt.Errorf("%s: missing: expected it in each report", inField(field, name))
		}
	}
	for name, value := range object {
		if p := s.Properties[name]; p != nil {
			if err := p.fits(defs, inField(field, name), value); err != nil {
				return err
			}
		}
	}
	return nil
}

func inField(field, name string) string { return strings.TrimPrefix(field+"."+name, ".") }

// jsonName is what a field of a struct is called in JSON.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
