// Package reference is the reference saga executor: small enough to read in one
// sitting, and right, so that it can be the control of every experiment. With
// fenced participants no checker may ever find anything in it.
//
// Reading order: record.go (what is written down), state.go and facts.go (what
// follows from it), next.go (what is to be done), graph.go (the order), then run.go
// (one goroutine a saga turns facts into records, commits them, and only then acts),
// operate.go (the retry loop of one operation), call.go (one attempt), accept.go and
// recovery.go (how sagas come in), journal.go (group commit) and the stores behind it,
// lease.go (who owns one). server.go speaks the HTTP contract, front.go says who may
// call, serve.go runs both. bounds.go, slots.go and health.go are about what there is
// enough of; quarantine.go about what is broken.
//
// Write-ahead intent: a call's intent is durable before the call leaves, its
// outcome before the next one does. Recovery is nothing but replay: an intent
// without an outcome is an attempt whose outcome is unknown, and is spared in the
// count of its policy.
//
// Planted defects (defects.go) are named switches, off by default, at the places
// where real engines have had the bug.
//
// Goals: the contract of docs/contract.md, complete and exact; docs/reference.md says
// what else is promised. Non-goals: more than one process at work on a store, timers,
// signals, versioned workflows.
package reference
