package history

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// MayBeRefused tells whether an operation may have been attempted without a trace: a
// refused connection never reaches the wire. In a user's own workflow operations share the
// address that was closed.
func (h *History) MayBeRefused(op saga.Operation) bool {
	return slices.ContainsFunc(h.Header.Faults, func(f PlannedFault) bool {
		if f.At.Phase == saga.Connect && h.Header.Workflow != "" {
			return true
		}
		return f.At.Phase == saga.Connect && f.At.Ref() == op.Ref() && (f.Saga == "" || f.Saga == op.Saga)
	})
}

// SetsFlag tells whether the planned fault of that index sets a flag of the orchestrator.
func (h *History) SetsFlag(fault int) bool {
	return fault >= 0 && fault < len(h.Header.Faults) && h.Header.Faults[fault].Kind == "set-flag"
}

// CutsStore tells whether the planned fault of that index cuts the orchestrator off from
// its store.
func (h *History) CutsStore(fault int) bool {
	return fault >= 0 && fault < len(h.Header.Faults) && h.Header.Faults[fault].Kind == StoreOutage
}
