package reference

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/reference/policies"
)

// What governs all sagas, by HTTP.

// mistake is one of a file that was refused.
type mistake struct {
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
}

const policiesType = "application/yaml"

// handlePolicies answers with the file that is in force, or with the version that is asked
// for.
func (e *Executor) handlePolicies(w http.ResponseWriter, r *http.Request) {
	version, text, tag := e.Policies()
	if asked := r.URL.Query().Get("version"); asked != "" && asked != strconv.Itoa(version) {
		e.handleVersion(w, r, asked)
		return
	}
	w.Header().Set("ETag", strconv.Quote(tag))
	if r.Header.Get("If-None-Match") == strconv.Quote(tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if version == 0 {
		text = "templates: {}\n"
	}
	writePolicies(w, version, text)
}

func (e *Executor) handleVersion(w http.ResponseWriter, r *http.Request, asked string) {
	n, err := strconv.Atoi(asked)
	text, found, loading := "", false, error(nil)
	if err == nil {
		text, found, loading = e.policyVersion(r.Context(), n)
	}
	switch {
	case loading != nil:
		problemOf(loading).write(w)
	case !found:
		problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("version %q: there is no such version", asked)}.write(w)
	default:
		writePolicies(w, n, text)
	}
}

func writePolicies(w http.ResponseWriter, version int, text string) {
	w.Header().Set("Content-Type", policiesType)
	w.Header().Set("Policies-Version", strconv.Itoa(version))
	_, _ = io.WriteString(w, text) // a client that left needs no answer
}

// handleChangePolicies puts a file in force.
func (e *Executor) handleChangePolicies(w http.ResponseWriter, r *http.Request) {
	expected := r.Header.Get("If-Match")
	if expected == "" {
		problem{Status: http.StatusPreconditionRequired, Detail: "If-Match: expected the ETag of GET /policies, or *"}.write(w)
		return
	}
	if expected == "*" {
		expected = ""
	} else if tag, err := strconv.Unquote(expected); err != nil || tag == "" {
		problemOf(ErrChanged).write(w)
		return
	} else {
		expected = tag
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, policies.MaxFile))
	version := 0
	if err == nil {
		by := By{Source: "http", Author: r.Header.Get("Change-Author"), Reason: r.Header.Get("Change-Reason")}
		version, err = e.ChangePolicies(r.Context(), string(text), expected, by)
	}
	if err != nil {
		problemOf(err).write(w)
		return
	}
	w.Header().Set("ETag", strconv.Quote(tagOf(version, string(text))))
	writeJSON(w, "application/json", http.StatusOK, map[string]any{"version": version})
}

// mistakesOf are the mistakes of a file; nil: the error is of another kind.
func mistakesOf(err error) (all []mistake) {
	var one *yamlfile.Problem
	if !errors.As(err, &one) {
		return nil
	}
	for _, p := range yamlfile.In(err) {
		all = append(all, mistake{p.Line, p.Column, p.Field, p.Reason})
	}
	return all
}
