package learn

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
)

// Record is all that was seen.
type Record struct {
	Runs []Run `json:"runs"`
	// Idempotent: a start that was sent twice with one Idempotency-Key gave one saga.
	Idempotent bool `json:"idempotent,omitempty"`
	// Again are the codes with which the two starts under one key were answered.
	Again []int `json:"again,omitempty"`
	// Crash is what became of a start in whose middle the workflow was killed; nil: nothing is
	// known of that.
	Crash *Crash `json:"crash,omitempty"`
}

// Crash is what became of a start in whose middle the workflow was killed, when that had been
// started again.
type Crash struct {
	Resumed bool   `json:"resumed"` // it came to an end
	Stood   string `json:"stood"`   // the workflow's own word for where it stood when it had made its first call
	Word    string `json:"word"`    // the workflow's own for where it stood at last
}

// Run is one start and what came of it.
type Run struct {
	Start   json.RawMessage `json:"start,omitempty"` // the body as it was sent
	Code    int             `json:"code"`
	Answer  json.RawMessage `json:"answer,omitempty"` // to the start
	Calls   []Call          `json:"calls"`
	Outcome json.RawMessage `json:"outcome,omitempty"` // the last one, when all was silent
	// Unsettled: it was not silent when the time was over.
	Unsettled bool `json:"unsettled,omitempty"`
}

// Fate is what was done to a call.
type Fate string

// The fates of a call.
const (
	Passed  Fate = ""        // the service answered it
	Refused Fate = "refused" // 422 in the place of the service
	Lost    Fate = "lost"    // the service answered, and the connection broke
)

// Call is one call to a service, with its answer.
type Call struct {
	Service string          `json:"service"`
	Method  string          `json:"method"`
	Path    string          `json:"path"` // as it was sent, escaped
	Query   url.Values      `json:"query,omitempty"`
	Header  http.Header     `json:"header,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"` // of a form its fields; what is no JSON is a text
	Fate    Fate            `json:"fate,omitempty"`
	Code    int             `json:"code,omitempty"`
	Answer  json.RawMessage `json:"answer,omitempty"`
	// Outcome is where the workflow said that it stood when it made the call.
	Outcome json.RawMessage `json:"outcome,omitempty"`
}

// JSON is a body as it is kept: JSON as it is, anything else as a text.
func JSON(body []byte) json.RawMessage {
	if len(body) == 0 {
		return nil
	}
	if json.Valid(body) {
		return json.RawMessage(body)
	}
	b, err := json.Marshal(string(body))
	if err != nil {
		return nil // a string always is JSON
	}
	return b
}

// requestBody is the body of a request as it is kept.
func requestBody(contentType string, body []byte) json.RawMessage {
	fields := workflows.Form(contentType, body)
	if fields == nil {
		return JSON(body)
	}
	b, err := json.Marshal(fields)
	if err != nil {
		panic(err) // they are texts
	}
	return b
}

// Calm tells whether nothing was done to a run.
func (r Run) Calm() bool {
	for _, c := range r.Calls {
		if c.Fate != Passed {
			return false
		}
	}
	return true
}

// Served tells whether the services did what they were asked for.
func (r Run) Served() bool {
	return !slices.ContainsFunc(r.Calls, func(c Call) bool {
		return c.Fate == Passed && c.Method != http.MethodGet && c.Method != http.MethodHead && saga.Classify(c.Code) != saga.Done
	})
}

// Same tells whether two calls are attempts of one and the same.
func (c Call) Same(o Call) bool {
	return c.Service == o.Service && c.Method == o.Method && c.Path == o.Path &&
		c.Query.Encode() == o.Query.Encode() && string(c.Body) == string(o.Body)
}
