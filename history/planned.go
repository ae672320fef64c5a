package history

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// MayBeRefused tells whether an operation may have been attempted without a trace: a
// refused connection never reaches the wire. In a user's own workflow operations share the
// address that was closed, and so do those of all rounds of a saga.
func (h *History) MayBeRefused(op saga.Operation) bool {
	return slices.ContainsFunc(h.Header.Faults, func(f PlannedFault) bool {
		if f.At.Phase != saga.Connect || h.Header.Workflow != "" {
			return f.At.Phase == saga.Connect
		}
		ref := op.Ref()
		if d, _ := h.Definition(op.Saga); d.HasRounds() {
			ref.Step, _ = saga.RoundOf(ref.Step)
		}
		return f.At.Ref() == ref && (f.Saga == "" || f.Saga == op.Saga)
	})
}

// Planned is the planned fault of that index.
func (h *History) Planned(fault int) (f PlannedFault, ok bool) {
	if fault < 0 || fault >= len(h.Header.Faults) {
		return PlannedFault{}, false
	}
	return h.Header.Faults[fault], true
}

// SetsFlag tells whether the planned fault of that index sets a flag of the orchestrator.
func (h *History) SetsFlag(fault int) bool {
	f, ok := h.Planned(fault)
	return ok && f.Kind == setsFlag
}

// CutsStore tells whether the planned fault of that index cuts the orchestrator off from
// its store.
func (h *History) CutsStore(fault int) bool {
	f, ok := h.Planned(fault)
	return ok && f.Kind == cutsStore
}

// Copies tells whether the planned fault of that index delivers a request a second time.
func (h *History) Copies(fault int) bool {
	f, ok := h.Planned(fault)
	return ok && f.Kind == copies
}

// Loses tells whether the fault makes something on its way disappear, at once.
func (f PlannedFault) Loses() bool { return f.Kind == loses }

// Silences tells whether the fault leaves nothing but silence of an attempt: what is on
// its way disappears, or comes too late.
func (f PlannedFault) Silences() bool {
	return slices.Contains([]string{loses, holdsUp, slowsDown}, f.Kind)
}

// AtCalls tells whether the fault is at single attempts, or ends or stops the orchestrator, and leaves all else as it
// is: its store and policies, other sagas' calls, and the services, which are reached whenever it calls them.
func (f PlannedFault) AtCalls() bool {
	return f.Kind == endsProcess || !f.At.IsZero() && f.At.Phase != saga.Connect && !slices.Contains([]string{
		cutsStore, setsFlag, changesPolicy, changesDefinition, crashesService, drifts, forgetsKeys,
	}, f.Kind)
}

// The kinds of faults of which judges know more than the place. A stored history has their
// names and no more, and who judges reaches nothing that makes plans. A test of package
// faults says that the kinds are so.
const (
	setsFlag  = "set-flag"
	cutsStore = "store-outage"
	copies    = "duplicate"
	loses     = "lose"
	holdsUp   = "delay"
	slowsDown = "latency"

	endsProcess       = "orchestrator-outage"
	changesPolicy     = "change-policy"
	changesDefinition = "change-definition"
	crashesService    = "crash-participant"
	drifts            = "drift"
	forgetsKeys       = "forget-keys"
)
