package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Difference is one field that two files say differently.
type Difference struct {
	Field string // templates.payments.retry.jitter
	Old   string // as JSON; empty: it is not there
	New   string // as JSON; empty: it is not there any more
}

func (d Difference) String() string {
	switch {
	case d.Old == "":
		return fmt.Sprintf("+ %s: %s", d.Field, d.New)
	case d.New == "":
		return fmt.Sprintf("- %s: %s", d.Field, d.Old)
	}
	return fmt.Sprintf("~ %s: %s → %s", d.Field, d.Old, d.New)
}

// Diff lists what a new file says differently from an old one, by field. Bindings are
// compared by what they bind: their order says nothing.
func Diff(old, now *File) (all []Difference) {
	a, b := old.leaves(), now.leaves()
	fields := maps.Clone(a)
	maps.Copy(fields, b)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if a[field] != b[field] {
			all = append(all, Difference{field, a[field], b[field]})
		}
	}
	return all
}

// leaves are the single values of a file by field, as JSON.
func (f *File) leaves() map[string]string {
	all := map[string]string{}
	for name, t := range f.Templates {
		text, err := json.Marshal(t)
		var v any
		if err == nil {
			err = json.Unmarshal(text, &v)
		}
		if err != nil { // it has been read from a file
			panic(err)
		}
		flatten("templates."+name, v, all)
	}
	for _, b := range f.Bindings {
		all["bindings of "+b.String()] = strconv.Quote(b.Template)
	}
	for _, flag := range f.Flags {
		all["flags."+string(flag.Name)] = fmt.Sprintf("%q by %s until %s", flag.Reason, flag.Author, flag.Expires.Format(time.RFC3339))
	}
	return all
}

func flatten(field string, v any, all map[string]string) {
	object, ok := v.(map[string]any)
	if !ok {
		text, _ := json.Marshal(v) // it was JSON before
		all[field] = strings.TrimSpace(string(text))
		return
	}
	for name, inner := range object {
		flatten(field+"."+name, inner, all)
	}
}
