package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/definitions"
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
func handlePolicies(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	version, text, tag := e.Policies()
	if asked := r.URL.Query().Get("version"); asked != "" && asked != strconv.Itoa(version) {
		handleVersion(e, w, r, asked)
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

func handleVersion(e *reference.Executor, w http.ResponseWriter, r *http.Request, asked string) {
	n, err := strconv.Atoi(asked)
	text, found, loading := "", false, error(nil)
	if err == nil {
		text, found, loading = e.PolicyVersion(r.Context(), n)
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
func handleChangePolicies(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	expected := r.Header.Get("If-Match")
	if expected == "" {
		problem{Status: http.StatusPreconditionRequired, Detail: "If-Match: expected the ETag of GET /policies, or *"}.write(w)
		return
	}
	if expected == "*" {
		expected = ""
	} else if tag, err := strconv.Unquote(expected); err != nil || tag == "" {
		problemOf(reference.ErrChanged).write(w)
		return
	} else {
		expected = tag
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, policies.MaxFile))
	version := 0
	if err == nil {
		by := reference.By{Source: fromHTTP, Author: r.Header.Get("Change-Author"), Reason: r.Header.Get("Change-Reason")}
		version, err = e.ChangePolicies(r.Context(), string(text), expected, by)
	}
	if err != nil {
		problemOf(err).write(w)
		return
	}
	w.Header().Set("ETag", strconv.Quote(reference.PolicyTag(version, string(text))))
	writeJSON(w, "application/json", http.StatusOK, map[string]any{"version": version})
}

// flagRequest is the body of PUT /flags/{name}.
type flagRequest struct {
	On           *bool    `json:"on"`
	Participants []string `json:"participants"`
	Reason       string   `json:"reason"`
	Author       string   `json:"author"`
	Expires      string   `json:"expires"`
}

// flag is what is to be set.
func (f flagRequest) flag(name policies.FlagName) (policies.Flag, error) {
	set := policies.Flag{Name: name, Participants: f.Participants, Reason: f.Reason, Author: f.Author}
	var err error
	if f.Expires != "" {
		if set.Expires, err = time.Parse(time.RFC3339, f.Expires); err != nil {
			return set, &definitions.InvalidError{Field: "expires", Reason: fmt.Sprintf("%q: expected a time (RFC 3339)", f.Expires)}
		}
	}
	return set, nil
}

// handleFlags lists the flags that are on.
func handleFlags(e *reference.Executor, w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, "application/json", http.StatusOK, map[string]any{"flags": e.Flags()})
}

// handleFlag throws a flag, or takes it back.
func handleFlag(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	name := policies.FlagName(r.PathValue("name"))
	var asked flagRequest
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFlag))
	if err == nil {
		err = definitions.Into(text, &asked)
	}
	switch {
	case err != nil:
	case asked.On == nil:
		err = &definitions.InvalidError{Field: "on", Reason: "is missing: expected true or false"}
	case *asked.On:
		var flag policies.Flag
		if flag, err = asked.flag(name); err == nil {
			err = e.SetFlag(r.Context(), flag, reference.By{Source: fromHTTP})
		}
	default:
		err = e.ClearFlag(r.Context(), name, reference.By{Source: fromHTTP, Author: asked.Author, Reason: asked.Reason})
	}
	if err != nil {
		problemOf(err).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]any{"name": name, "on": *asked.On})
}

const (
	fromHTTP = "http" // the source of what comes by HTTP
	maxFlag  = 64 << 10
)

// handleAudit answers why things were done.
func handleAudit(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	q := reference.AuditQuery{Saga: r.URL.Query().Get("saga")}
	for name, into := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if err := readTime(r, name, into); err != nil {
			problemOf(err).write(w)
			return
		}
	}
	a, err := e.Audit(r.Context(), q)
	if err != nil {
		problemOf(err).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, a)
}

// handleDrift tells what participants hold that is not as it is written down.
func handleDrift(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	all, err := e.Drifts(r.Context(), r.URL.Query().Get("saga"))
	if err != nil {
		problemOf(err).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]any{"drift": all, "every_ms": e.ReconcileEvery().Milliseconds()})
}

// handleVersions compares the sagas of each version.
func handleVersions(e *reference.Executor, w http.ResponseWriter, r *http.Request) {
	q := reference.VersionsQuery{Name: r.URL.Query().Get("name")}
	if err := readTime(r, "since", &q.Since); err != nil {
		problemOf(err).write(w)
		return
	}
	v, err := e.Versions(r.Context(), q)
	if err != nil {
		problemOf(err).write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, v)
}

// readTime reads a time from the query; one that is not given stays as it was.
func readTime(r *http.Request, name string, into *time.Time) error {
	given := r.URL.Query().Get(name)
	if given == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, given)
	if err != nil {
		return &definitions.InvalidError{Field: name, Reason: fmt.Sprintf("%q: expected a time (RFC 3339)", given)}
	}
	*into = at
	return nil
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
