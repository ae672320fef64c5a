package history

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// Promise is what a workflow promises of the calls of an operation, besides how often it
// is attempted, which is in its definition.
type Promise struct {
	Permanent []int `json:"permanent,omitempty"` // codes that are the last word
	SameKey   bool  `json:"same_key,omitempty"`
	OwnName   bool  `json:"own_name,omitempty"` // what undoes it names it by what the workflow itself has said
}

func (h *History) promise(op saga.Operation) Promise {
	step, _ := saga.CutInstance(op.Step)
	return h.Header.Promises[saga.StepRef{Step: step, Direction: op.Direction}.String()]
}

// LastWord tells whether the orchestrator takes a code as the last word on an operation:
// those that the contract calls permanent, or else what its workflow promises.
func (h *History) LastWord(op saga.Operation, code int) bool {
	if h.Header.Workflow == "" {
		return saga.Classify(code) == saga.Permanent
	}
	return slices.Contains(h.promise(op).Permanent, code)
}

// SameKey tells whether all attempts of an operation, and of no other, have one key: by
// the contract, or else by what the workflow promises.
func (h *History) SameKey(op saga.Operation) bool {
	return h.Header.Workflow == "" || h.promise(op).SameKey
}

// OwnName tells whether the effects of an operation can be undone without the name that their
// service gave them.
func (h *History) OwnName(op saga.Operation) bool { return h.promise(op).OwnName }

// parsePromise reads charge.undo permanent=402,422 same-key own-name.
func (h *Header) parsePromise(words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("promise: expected a step: charge permanent=402,422 same-key")
	}
	var p Promise
	for _, w := range words[1:] {
		codes, ok := strings.CutPrefix(w, "permanent=")
		switch {
		case w == "same-key":
			p.SameKey = true
		case w == "own-name":
			p.OwnName = true
		case ok:
			for _, text := range list(codes) {
				code, err := strconv.Atoi(text)
				if err != nil {
					return fmt.Errorf("promise: %q: expected a code", text)
				}
				p.Permanent = append(p.Permanent, code)
			}
		default:
			return fmt.Errorf("promise: %q: expected permanent=CODES, same-key or own-name", w)
		}
	}
	if h.Promises == nil {
		h.Promises = map[string]Promise{}
	}
	h.Promises[words[0]] = p
	return nil
}

func (p Promise) format(of string) string {
	s := "promise " + of
	if len(p.Permanent) > 0 {
		s += " permanent=" + strings.ReplaceAll(strings.Trim(fmt.Sprint(p.Permanent), "[]"), " ", ",")
	}
	if p.SameKey {
		s += " same-key"
	}
	if p.OwnName {
		s += " own-name"
	}
	return s
}
