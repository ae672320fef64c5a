package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// What operators ask for, by HTTP.

// actPaths are the last parts of the paths of acts.
var actPaths = map[saga.Act]string{
	saga.ActRollback: "compensate", saga.ActRetry: "retry", saga.ActPause: "pause", saga.ActResume: "resume", saga.ActSkip: "skip", saga.ActEnd: "end",
}

// actRequest is the body of what an operator asks for.
type actRequest struct {
	Step   string `json:"step,omitempty"`
	Author string `json:"author"`
	Reason string `json:"reason"`
}

// maxAct bounds the bytes of such a body.
const maxAct = 16 << 10

// handleList answers which sagas have not ended: all, or those of some status, of a name, of a version, of an age.
func handleList(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	q := reference.Query{Name: r.URL.Query().Get("name")}
	if given, there := r.URL.Query()["version"]; there { // also an empty one
		q.Version = &given[0]
	}
	for _, word := range r.URL.Query()["status"] {
		status := saga.Status(word)
		if !status.Valid() || status.Over() {
			problemOf(&definitions.InvalidError{Field: "status", Reason: fmt.Sprintf("%q: expected running, compensating or stuck", word)}).write(w)
			return
		}
		q.Status = append(q.Status, status)
	}
	if given := r.URL.Query().Get("older_than"); given != "" {
		var err error
		if q.OlderThan, err = time.ParseDuration(given); err != nil {
			problemOf(&definitions.InvalidError{Field: "older_than", Reason: fmt.Sprintf("%q: expected a time as 90s or 2h", given)}).write(w)
			return
		}
	}
	all, cut, err := e.List(r.Context(), q)
	if err != nil {
		problemOf(err).write(w)
		return
	}
	if all == nil {
		all = []reference.Listed{}
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]any{"sagas": all, "cut": cut})
}

// handlePreview answers with what an operator is shown before anything is asked for.
func handlePreview(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	p, tag, err := e.Preview(r.PathValue("id"))
	if err != nil {
		problemOf(err).write(w)
		return
	}
	w.Header().Set("ETag", strconv.Quote(tag))
	writeJSON(w, "application/json", http.StatusOK, p)
}

// handleAct answers what an operator asks for: 202, it is done and durable; 200, it was so already.
func handleAct(act saga.Act) func(*reference.Executor, http.ResponseWriter, *http.Request) {
	return func(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		a, err := askedBy(r, act)
		changed := false
		if err == nil {
			changed, err = e.Operate(r.Context(), id, a)
		}
		if err != nil {
			problemOf(err).write(w)
			return
		}
		code := http.StatusOK
		if changed {
			code = http.StatusAccepted
		}
		writeJSON(w, "application/json", code, map[string]any{"id": id, "changed": changed})
	}
}

// askedBy reads what is asked for, and by whom. A rollback and a retry may come without a body: then
// nobody is named.
func askedBy(r *http.Request, act saga.Act) (reference.Asked, error) {
	a := reference.Asked{Act: act, Key: bareKey(r.Header.Get("Idempotency-Key")), By: reference.By{Source: fromHTTP}}
	if match := r.Header.Get("If-Match"); match != "" && match != "*" {
		tag, err := strconv.Unquote(match)
		if err != nil || tag == "" {
			return a, reference.ErrPreviewOld
		}
		a.Expected = tag
	}
	var asked actRequest
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxAct))
	if err != nil {
		return a, err
	}
	if nameless := act == saga.ActRollback || act == saga.ActRetry; nameless && len(bytes.TrimSpace(text)) == 0 {
		return a, a.Bounded()
	}
	if err := definitions.Into(text, &asked); err != nil {
		return a, err
	}
	a.Step, a.Author, a.Reason = asked.Step, asked.Author, asked.Reason
	return a, a.Validate()
}

// bareKey is a key without the quotes of a structured field (RFC 8941).
func bareKey(v string) string {
	if len(v) > 1 && strings.HasPrefix(v, `"`) && strings.HasSuffix(v, `"`) {
		return v[1 : len(v)-1]
	}
	return v
}
