package workflows

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/jsonvalue"
)

// hiddenHeaders are those that the file says.
func (w *Workflow) hiddenHeaders() []string {
	var names []string
	for _, r := range w.Redact {
		if h, ok := strings.CutPrefix(r, "request.headers."); ok {
			names = append(names, h)
		}
	}
	return names
}

// hiddenFields are the fields of bodies and queries that the file says, by their last
// names: wherever they stand, they are hidden with all that is in them.
func (w *Workflow) hiddenFields() []string {
	var names []string
	for _, r := range w.Redact {
		if !strings.HasPrefix(r, "request.headers.") {
			names = append(names, r[strings.LastIndex(r, ".")+1:])
		}
	}
	return names
}

// redacted hides fields of a body: of JSON, or of a form. A body that is neither is
// hidden as a whole.
func (w *Workflow) redacted(body string) string {
	fields := w.hiddenFields()
	if len(fields) == 0 || strings.TrimSpace(body) == "" {
		return body
	}
	if v, err := jsonvalue.Decode([]byte(body)); err == nil {
		if b, err := json.Marshal(hide(v, fields)); err == nil {
			return string(b)
		}
	}
	if form, err := url.ParseQuery(body); err == nil && strings.Contains(body, "=") && !strings.ContainsAny(body, "{[<") {
		return hideValues(form, fields)
	}
	return hidden
}

func hide(v any, fields []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if slices.Contains(fields, name) {
				v[name] = hidden
			} else {
				v[name] = hide(x, fields)
			}
		}
	case []any:
		for i, x := range v {
			v[i] = hide(x, fields)
		}
	}
	return v
}

// hideValues is a form or a query without what is to be hidden.
func hideValues(values url.Values, fields []string) string {
	shown := url.Values{}
	for name, v := range values {
		if slices.Contains(fields, name) {
			v = []string{hidden}
		}
		shown[name] = v
	}
	return shown.Encode()
}
