package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// stored is the header as it is written: JSON inside JSON loses its white space,
// so bodies that have some are written beside the definitions, as texts.
func (h Header) stored() (Header, error) {
	err := h.eachCall(func(op saga.Operation, c *saga.Call) error {
		var compact bytes.Buffer
		if len(c.Body) == 0 {
			return nil
		}
		if err := json.Compact(&compact, c.Body); err != nil {
			return fmt.Errorf("body of %s: %w", op, err)
		}
		if bytes.Equal(compact.Bytes(), c.Body) {
			return nil
		}
		if h.Bodies == nil {
			h.Bodies = map[string]string{}
		}
		h.Bodies[op.String()] = string(c.Body)
		return nil
	})
	return h, err
}

// restore puts the bodies that were written as texts back into the definitions.
func (h *Header) restore() error {
	texts := h.Bodies
	h.Bodies = nil
	err := h.eachCall(func(op saga.Operation, c *saga.Call) error {
		text, ok := texts[op.String()]
		if !ok {
			return nil
		}
		delete(texts, op.String())
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(text)); err != nil || !bytes.Equal(compact.Bytes(), c.Body) {
			return fmt.Errorf("bodies: %s: %.40q: expected the body of its definition with white space, and else the same bytes: %.40q (a program that writes JSON anew changes them)", op, text, c.Body)
		}
		c.Body = json.RawMessage(text)
		return nil
	})
	if err != nil { // those behind it were not come to
		return err
	}
	for _, op := range slices.Sorted(maps.Keys(texts)) {
		return fmt.Errorf("bodies: %q is no operation of a definition: expected SAGA/STEP or SAGA/STEP.undo", op)
	}
	return nil
}

func (h *Header) eachCall(f func(saga.Operation, *saga.Call) error) error {
	for _, d := range h.Definitions {
		for i := range d.Steps {
			s := &d.Steps[i]
			if err := f(saga.Operation{Saga: d.ID, Step: s.Name, Direction: saga.Action}, &s.Action); err != nil {
				return err
			}
			if s.Compensation == nil {
				continue
			}
			undo := saga.Operation{Saga: d.ID, Step: s.Name, Direction: saga.Compensation}
			if err := f(undo, s.Compensation); err != nil {
				return err
			}
			for n := range s.Parts {
				undo.Part = saga.Part(n + 2)
				if err := f(undo, &s.Parts[n]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
