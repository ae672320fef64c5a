package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// Package definitions stops at the first mistake of a definition, as it must where anybody may send one. A person who
// writes a file wants to know all: so each part of a definition that is wrong is looked at alone.

// decoded is a definition that has no mistake.
func decoded(name, version string, w written) (saga.Definition, error) {
	text := func(v any) []byte { b, _ := json.Marshal(v); return b }
	or := func(text json.RawMessage, none string) []byte {
		if text == nil {
			return []byte(none)
		}
		return text
	}
	def, err := definitions.Decode(bytes.NewReader(slices.Concat([]byte(`{"id":"any","name":`), text(name), []byte(`,"version":`), text(version),
		[]byte(`,"steps":[`), bytes.Join(asBytes(w.Steps), []byte(",")), []byte(`],"budget":`), or(w.Budget, "{}"),
		[]byte(`,"rounds":`), or(w.Rounds, "0"), []byte(`,"round_delay_ms":`), or(w.Delay, "0"), []byte("}"))))
	if err == nil {
		err = definitions.Validate(def)
	}
	return def, err
}

// asBytes are texts as package bytes takes them.
func asBytes(texts []json.RawMessage) (all [][]byte) {
	for _, t := range texts {
		all = append(all, t)
	}
	return all
}

// mistakes are those of a definition that is wrong, of which one is known: of each call the first, and of how the steps
// follow one another the first.
func mistakes(name, version string, w written, known error) (all []*definitions.InvalidError) {
	heads := []struct {
		name, version string
		w             written
	}{{name: name}, {version: version}, {w: written{Budget: w.Budget}}, {w: written{Rounds: w.Rounds, Delay: w.Delay}}}
	for _, h := range heads {
		h.w.Steps = standIns(len(w.Steps))
		_, err := decoded(h.name, h.version, h.w)
		var m *definitions.InvalidError
		if errors.As(err, &m) && !strings.HasPrefix(m.Field, "steps") {
			all = append(all, m)
		}
	}
	right, sure := saga.Definition{ID: "any"}, true
	for i, text := range w.Steps {
		step, wrong, ordered := alone(text)
		for _, m := range wrong {
			all = append(all, &definitions.InvalidError{Field: fmt.Sprintf("steps[%d]%s", i, m.Field), Reason: m.Reason})
		}
		right.Steps, sure = append(right.Steps, step), sure && ordered
	}
	var m *definitions.InvalidError
	if sure && errors.As(definitions.Validate(right), &m) {
		all = append(all, m)
	}
	switch {
	case len(all) > 0:
		return all
	case errors.As(known, &m):
		return []*definitions.InvalidError{m}
	}
	return []*definitions.InvalidError{{Field: "steps", Reason: known.Error()}}
}

// standIns are so many steps in which nothing is wrong.
func standIns(n int) (steps []json.RawMessage) {
	for i := range n {
		text, _ := json.Marshal(saga.Step{Name: fmt.Sprintf("s%d", i), Kind: saga.Compensatable, Action: standIn})
		steps = append(steps, text)
	}
	return steps
}

// standIn stands for a call that is wrong.
var standIn = saga.Call{
	URL:   "http://localhost",
	Retry: saga.RetryPolicy{MaxAttempts: 1, InitialIntervalMS: 1, Multiplier: 1, MaxIntervalMS: 1, AttemptTimeoutMS: 1},
}

// alone looks at a step without the others: it is right then but for where it comes. The fields of mistakes begin
// with a dot. Not ordered: its place among the others is not known.
func alone(text json.RawMessage) (s saga.Step, wrong []*definitions.InvalidError, ordered bool) {
	add := func(err error) (part string) {
		var m *definitions.InvalidError
		if !errors.As(err, &m) {
			return ""
		}
		field := strings.TrimPrefix(m.Field, "steps[0]")
		wrong = append(wrong, &definitions.InvalidError{Field: field, Reason: m.Reason})
		part, _, _ = strings.Cut(strings.TrimPrefix(field, "."), ".")
		part, _, _ = strings.Cut(part, "[")
		return part
	}
	def, err := definitions.Decode(bytes.NewReader(slices.Concat([]byte(`{"id":"any","steps":[`), text, []byte("]}"))))
	if err != nil {
		add(err)
		return s, wrong, false
	}
	s = def.Steps[0]
	after, way := s.After, s.FallbackFor
	s.After, s.FallbackFor, ordered = []string{}, "", true
	for {
		err := definitions.Validate(saga.Definition{ID: "any", Steps: []saga.Step{s}})
		if err == nil {
			break
		}
		part := add(err)
		ordered = ordered && part != "name" && part != "kind"
		if !mend(&s, part) {
			return s, wrong, false
		}
	}
	s.After, s.FallbackFor = after, way
	return s, wrong, ordered
}

// mend puts something right in the place of a part of a step; false: it can't.
func mend(s *saga.Step, part string) bool {
	switch {
	case part == "name" && s.Name != "any":
		s.Name = "any"
	case part == "kind" && s.Kind != saga.Compensatable:
		s.Kind = saga.Compensatable
	case part == "action" && s.Action.URL != standIn.URL:
		s.Action = standIn
	case part == "read_back" && s.ReadBack != standIn.URL:
		s.ReadBack = standIn.URL
	case part == "compensation" && s.Compensation != nil && s.Compensation.URL != standIn.URL:
		s.Compensation = &standIn
	case part != "name" && part != "kind" && (s.Parts != nil || s.Keeps != nil):
		s.Parts, s.Keeps = nil, nil
	default:
		return false
	}
	return true
}
