package workflows

import (
	"regexp"
	"strings"
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

// redacted hides the fields of a body that the file says.
func (w *Workflow) redacted(body string) string {
	for _, r := range w.Redact {
		if strings.HasPrefix(r, "request.headers.") {
			continue
		}
		field := r[strings.LastIndex(r, ".")+1:]
		re := regexp.MustCompile(`("` + regexp.QuoteMeta(field) + `"\s*:\s*)("(?:[^"\\]|\\.)*"|[^,}\]\s]+)`)
		body = re.ReplaceAllString(body, `${1}"`+hidden+`"`)
	}
	return body
}
