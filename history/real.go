package history

import (
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// Unnamed is the Detail of an effect (call-committed) to which a real service gave no name: whether
// another answer tells of the same one can't be told.
const Unnamed = "the service gave no name for it"

// NotDone is the Detail of an answer (call-answered) of a real service that is a success by its
// code, and by its words none. What its reader learnt from that is not known.
const NotDone = "by its words it was not done"

// Real tells whether a real service stands behind a step, of which only the answers are
// known.
func (h *History) Real(step string) bool {
	name, _ := saga.CutInstance(step)
	return h.Header.Real[name] != ""
}

// parseReal reads charge=payments.
func (h *Header) parseReal(words []string) error {
	for _, w := range words {
		step, service, ok := strings.Cut(w, "=")
		if !ok || step == "" || service == "" {
			return fmt.Errorf("real: %q: expected step=service", w)
		}
		if h.Real == nil {
			h.Real = map[string]string{}
		}
		h.Real[step] = service
	}
	return nil
}
