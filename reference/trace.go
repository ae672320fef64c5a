package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Trace is a saga's place in traces (W3C trace context): in the trace of the client that
// submitted it, or in one of its own. The names of its spans follow from the saga alone,
// so that they are the same in every life of the executor: what a killed one could not
// export any more, the next one can.
type Trace struct {
	ID      [16]byte
	Parent  [8]byte // the client's span; zero: none
	Sampled bool    // the client, if there is one, wants its trace to be kept
	saga    string
	flags   string // as they are passed on
}

func traceFrom(id, client string) Trace {
	t := Trace{Sampled: true, saga: id, flags: "01"}
	if !validTrace(client) {
		sum := sha256.Sum256([]byte(id))
		copy(t.ID[:], sum[:])
		return t
	}
	var flags [1]byte
	for text, to := range map[string][]byte{client[3:35]: t.ID[:], client[36:52]: t.Parent[:], client[53:55]: flags[:]} {
		_, _ = hex.Decode(to, []byte(text)) // its form was looked at
	}
	t.Sampled, t.flags = flags[0]&1 != 0, client[53:55]
	return t
}

// Trace is the saga's.
func (s *State) Trace() Trace { return traceFrom(s.Def.ID, s.trace) }

// Root is the span of the saga.
func (t Trace) Root() [8]byte { return t.span("") }

// Operation is the span of an operation, with all its attempts.
func (t Trace) Operation(step string, r Ref) [8]byte { return t.span(step + "/" + string(r.Dir)) }

// Attempt is the span of attempt n of an operation.
func (t Trace) Attempt(step string, r Ref, n int) [8]byte {
	return t.span(step + "/" + string(r.Dir) + "/" + strconv.Itoa(n))
}

// span names a span of the saga: no name of a step holds a slash.
func (t Trace) span(name string) (id [8]byte) {
	sum := fnv.New64a()
	for _, part := range []string{string(t.ID[:]), t.saga, "\x00", name} {
		_, _ = io.WriteString(sum, part) // a hash takes everything
	}
	sum.Sum(id[:0])
	id[0] |= 1 // all zero is not a span
	return id
}

// parent is the traceparent that attempt n of an operation carries: its own span.
func (t Trace) parent(step string, r Ref, n int) string {
	span := t.Attempt(step, r, n)
	text := make([]byte, 0, len("00--")+2*len(t.ID)+2*len(span)+len("-01"))
	text = hex.AppendEncode(append(text, "00-"...), t.ID[:])
	text = hex.AppendEncode(append(text, '-'), span[:])
	return string(append(append(text, '-'), t.flags...))
}

var traceForm = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// validTrace tells a traceparent of version 00 that names a trace and a span.
func validTrace(s string) bool {
	return s != "" && traceForm.MatchString(s) && strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
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
