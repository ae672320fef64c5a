package workflows

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/internal/templates"
)

// Request is one call as it came.
type Request struct {
	Method string
	Path   string // as it was sent, escaped
	Query  url.Values
	Header http.Header
	Body   []byte // decompressed
}

// mostDecompressed bounds a body that was compressed.
const mostDecompressed = 64 << 20

// RequestOf is the request of a head and a whole body.
func RequestOf(head *http.Request, body []byte) Request {
	return Request{Method: head.Method, Path: head.URL.EscapedPath(), Query: head.URL.Query(), Header: head.Header, Body: decompressed(head.Header, body)}
}

// decompressed is a body without gzip.
func decompressed(h http.Header, body []byte) []byte {
	if strings.EqualFold(h.Get("Content-Encoding"), "gzip") {
		if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			if plain, err := io.ReadAll(io.LimitReader(z, mostDecompressed)); err == nil {
				return plain
			}
		}
	}
	return body
}

// Meant is the body without what says nothing of what is asked for: how it was compressed, and
// the boundary between the parts of a form.
func (r Request) Meant() []byte {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return r.Body
	}
	type part struct {
		Header  textproto.MIMEHeader
		Content []byte
	}
	var parts []part
	for all := multipart.NewReader(bytes.NewReader(r.Body), params["boundary"]); ; {
		p, err := all.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return r.Body
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return r.Body
		}
		parts = append(parts, part{p.Header, content})
	}
	meant, err := json.Marshal(parts)
	if err != nil {
		return r.Body
	}
	return meant
}

// target is path and query.
func (r Request) target() string {
	if q := r.Query.Encode(); q != "" {
		return r.Path + "?" + q
	}
	return r.Path
}

// Said are the texts and numbers in the request: in its path, its query, its body and its
// headers.
func (r Request) Said() []string {
	all := segments(r.Path)
	for _, v := range r.Query {
		all = append(all, v...)
	}
	all = append(all, values(bodyValue(r.Header.Get("Content-Type"), r.Body))...)
	for _, v := range r.Header {
		all = append(all, strings.Trim(v[0], `"`))
	}
	return all
}

// segments are the texts between the slashes of an escaped path.
func segments(path string) (all []string) {
	for _, part := range strings.Split(path, "/") {
		if s, err := url.PathUnescape(part); err == nil && s != "" {
			all = append(all, s)
		}
	}
	return all
}

// places are the URLs by which an answer names what was made (Location, Content-Location), and
// what stands in their paths and queries: the id of what was made may stand nowhere else.
func places(h http.Header) (all []string) {
	for _, name := range []string{"Location", "Content-Location"} {
		place := h.Get(name)
		to, err := url.Parse(place)
		if err != nil || place == "" {
			continue
		}
		all = append(append(all, place), segments(to.EscapedPath())...)
		for _, v := range to.Query() {
			all = append(all, v...)
		}
	}
	return all
}

// vars are the variables of a request.
func (r Request) vars(params map[string]any) map[string]any {
	query := map[string]any{}
	for k, v := range r.Query {
		query[k] = v[0]
	}
	return map[string]any{
		"method": r.Method, "path": params, "query": query, "headers": headerVars(r.Header),
		"body": bodyValue(r.Header.Get("Content-Type"), r.Body),
	}
}

// usually are the words of headers' names that are usually written otherwise than Go does.
var usually = strings.NewReplacer("Etag", "ETag", "-Id", "-ID", "Api-", "API-", "Uri", "URI", "Url", "URL", "Www-", "WWW-", "Md5", "MD5")

// headerVars finds a header by its name as it is usually written, as Go writes it, or in lower
// case.
func headerVars(h http.Header) map[string]any {
	vars := map[string]any{}
	for k, v := range h {
		vars[k], vars[strings.ToLower(k)], vars[usually.Replace(k)] = v[0], v[0], v[0]
	}
	return vars
}

// bodyValue is a body as expressions see it: the value of JSON, the fields of a form, or
// else the text.
func bodyValue(contentType string, body []byte) any {
	if fields := Form(contentType, body); fields != nil {
		return fields
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if v, err := templates.Exact(body); err == nil {
		return v
	}
	return string(body)
}

// Form are the fields of a body that is a form; nil: it is none.
func Form(contentType string, body []byte) map[string]any {
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind != "application/x-www-form-urlencoded" {
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	fields := map[string]any{}
	for k, v := range form {
		fields[k] = v[0]
	}
	return fields
}

// longestName is how long a text may be that names something.
const longestName = 256

// values are all texts and numbers in a value that may name something, as texts.
func values(v any) []string {
	switch v := v.(type) {
	case string:
		if v == "" || len(v) > longestName {
			return nil
		}
		return []string{v}
	case json.Number, float64, float32, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return []string{text(v)}
	case map[string]any:
		var all []string
		for _, x := range v {
			all = append(all, values(x)...)
		}
		return all
	case []any:
		var all []string
		for _, x := range v {
			all = append(all, values(x)...)
		}
		return all
	}
	return nil
}

// text is a value as a text: a number without an exponent.
func text(v any) string {
	switch f := v.(type) {
	case float64:
		return strconv.FormatFloat(f, 'f', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(f), 'f', -1, 32)
	}
	return fmt.Sprint(v)
}

// AnswerVars are the variables of an answer of the workflow: code, headers and body.
type AnswerVars map[string]any

// AnswerOf is what expressions see of an answer.
func AnswerOf(code int, header http.Header, body []byte) AnswerVars {
	return AnswerVars{"code": code, "headers": headerVars(header), "body": bodyValue("", body)}
}
