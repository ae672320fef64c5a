// Package reference is the reference saga executor: small enough to read in one
// sitting, and right, so that it can be the control of every experiment. With
// fenced participants no checker may ever find anything in it.
//
// Reading order. The core, in one sitting: rules.go (the table of all decisions),
// record.go (what is written down), state.go (what follows from it), next.go (what is to
// be done), run.go (one goroutine a saga turns facts into records, commits them, and only
// then acts), operate.go (the retry loop of one operation), call.go (one attempt),
// recover.go (what a restart makes of what was under way).
//
// Around it: graph.go is the order of the steps, fallback.go which stand for others, overview.go what is asked of them all
// (scan.go looks at each, tally.go and flow.go count as records come in), limits.go how
// often an operation is attempted and how long it waits, rounds.go what is asked before it goes on, report.go what is told. accept.go, named.go and recovery.go are how sagas come in, entry.go
// is what they commit together, journal.go the group commit. client.go and targets.go are how calls
// leave and where to. policy.go is which version of the policies decides an operation, and
// control.go how what governs all sagas changes; flags.go is what holds attempts back,
// audit.go says why things were done. operator.go takes what a person asks for, decide.go says
// whether it may be and what it changes, preview.go what is shown before. board.go
// shows all sagas at once, progress.go what one waits for and how far it has got, versions.go
// what those of each version have come to. observer.go tells
// telemetry what is durable. drift.go is what participants are to hold, reconcile.go how they are asked,
// drift_repair.go what is repaired of what they tell.
// bounds.go and slots.go are about what there is enough of; quarantine.go is about what is
// broken, inspect.go how a person mends it; condition.go is how the executor is.
//
// Beside it, each a package: definitions takes in what clients send, catalogue what they start by its name; store keeps the
// journals, and knows nothing of sagas; api speaks HTTP, and says who may call; dashboard
// shows pages to people; policies
// reads the files of policies, bounds says how much may be asked of a call; telemetry says
// what became durable; defects breaks it.
//
// Write-ahead intent: a call's intent is durable before the call leaves, its
// outcome before the next one does. Recovery is nothing but replay: an intent
// without an outcome is an attempt whose outcome is unknown, and is spared in the
// count of its policy.
//
// The executor is broken on purpose by laying other functions over its rules; it knows
// nothing of that. See reference/defects.
//
// Goals: the contract of docs/contract.md, complete and exact; docs/reference.md says
// what else is promised. Non-goals: more than one process at work on a store, timers,
// signals, versioned workflows.
package reference
