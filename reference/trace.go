package reference

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// traceParent is the W3C trace context: one span an attempt, in the trace of the
// client that submitted the saga, or in one of the saga's own.
func traceParent(id, client string) string {
	var span [8]byte
	_, _ = rand.Read(span[:]) // never fails
	span[0] |= 1              // all zero is not a span
	if validTrace(client) {
		return client[:36] + hex.EncodeToString(span[:]) + client[52:55]
	}
	trace := sha256.Sum256([]byte(id))
	return "00-" + hex.EncodeToString(trace[:16]) + "-" + hex.EncodeToString(span[:]) + "-01"
}

var traceForm = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// validTrace tells a traceparent of version 00 that names a trace and a span.
func validTrace(s string) bool {
	return traceForm.MatchString(s) && strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
}

// traceOf is the traceparent that a saga was submitted with, or "".
func (e *Executor) traceOf(id string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if k := e.sagas[id]; k != nil {
		return k.trace
	}
	return ""
}
