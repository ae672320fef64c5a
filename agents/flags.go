package agents

import (
	"encoding/csv"
	"fmt"
	"reflect"
	"strings"
)

// flags are the arguments of a tool as flags of its command: max_time is --max-time. A value
// is behind its flag's name, whatever it begins with. What is empty is left out, and so are
// fields that are no flags (`flag:"-"`).
func flags(arguments any) []string { return flagsOf(reflect.ValueOf(arguments)) }

func flagsOf(v reflect.Value) (list []string) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if field.Anonymous {
			list = append(list, flagsOf(value)...)
			continue
		}
		if value.IsZero() || field.Tag.Get("flag") == "-" {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		name = "--" + strings.ReplaceAll(name, "_", "-") + "="
		switch value.Kind() {
		case reflect.Slice:
			for j := range value.Len() {
				list = append(list, name+item(value.Index(j).String()))
			}
		case reflect.Pointer:
			list = append(list, name+fmt.Sprint(value.Elem().Interface()))
		default:
			list = append(list, name+fmt.Sprint(value.Interface()))
		}
	}
	return list
}

// item is one value of a flag that takes a list, in which commas part.
func item(s string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{s}) // into memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}
