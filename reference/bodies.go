package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Bodies are passed on as they came, byte for byte, also after a restart: a
// participant may have signed them, or count on the order of their fields. As part
// of a JSON document they would be compacted and escaped anew whenever the document
// is written, so they are stored beside their definition, as texts.

// splitBodies takes the bodies out of a definition: of each step the action's, then
// the compensation's; "" where there is none.
func splitBodies(d saga.Definition) (saga.Definition, []string) {
	bodies := make([]string, 0, 2*len(d.Steps))
	d.Steps = slices.Clone(d.Steps)
	for i := range d.Steps {
		s := &d.Steps[i]
		bodies = append(bodies, string(s.Action.Body), "")
		s.Action.Body = nil
		if s.Compensation != nil {
			c := *s.Compensation
			bodies[len(bodies)-1] = string(c.Body)
			c.Body = nil
			s.Compensation = &c
		}
	}
	return d, bodies
}

// withBodiesApart is the record as it is stored.
func (r Record) withBodiesApart() Record {
	d, bodies := splitBodies(*r.Definition)
	r.Definition, r.Bodies = &d, bodies
	return r
}

// putBodiesBack turns a stored record into one as the executor uses it. Records
// without Bodies hold them in their definition.
func (r *Record) putBodiesBack() error {
	if r.Bodies == nil {
		return nil
	}
	if r.Definition == nil || len(r.Bodies) != 2*len(r.Definition.Steps) {
		return fmt.Errorf("bodies: %d: expected two for each step of the definition", len(r.Bodies))
	}
	for i := range r.Definition.Steps {
		s := &r.Definition.Steps[i]
		s.Action.Body = rawBody(r.Bodies[2*i])
		if s.Compensation != nil {
			s.Compensation.Body = rawBody(r.Bodies[2*i+1])
		}
	}
	r.Bodies = nil
	return nil
}

func rawBody(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// sameDefinition compares what was accepted with what is submitted again; bodies
// byte for byte.
func sameDefinition(a, b saga.Definition) error {
	a, x := splitBodies(a)
	b, y := splitBodies(b)
	if !slices.Equal(x, y) {
		return ErrConflict
	}
	ta, err := json.Marshal(a)
	if err != nil {
		return err
	}
	tb, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(ta, tb) {
		return ErrConflict
	}
	return nil
}
