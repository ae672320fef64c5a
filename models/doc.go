// Package models is the sequential specifications of what a saga touches, as
// porcupine models, and the search for a linearization of a history under them
// (Herlihy & Wing, "Linearizability", TOPLAS 1990).
//
// A history falls apart into partitions that can be judged alone: each account
// and stock, each register, each idempotent endpoint (one step of one saga at a
// protected participant), and the lifecycle of each saga. Partitions builds them,
// Partition.Check judges one, Visualize draws them.
//
// # Time
//
// Times are sequence numbers of events, so no clock is trusted. A delivery of a
// call lasts from its reception by the participant to its answer: in between its
// effect must have happened. The connection of the orchestrator is no bound, for
// a call can arrive long after its sender gave up.
//
// # Unknown outcomes
//
// The participants' own record says what happened: call-committed events first,
// then the ledgers. A delivery that was received but neither committed nor
// answered is unknown. It may have had its effect at any later time, or never.
// Unknown deliveries are looked at only where the recorded effects alone do not
// explain what was seen, and no more than Limits.Unknown of them, since the
// search is exponential in their number.
//
// Goals: verdicts with a small witness, bounded time and memory. Non-goals:
// judging a saga's meaning (package checkers).
package models
