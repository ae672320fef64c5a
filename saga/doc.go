// Package saga is the vocabulary of Sagacheck: what a saga is, how its parts are
// addressed, and in which states it can be. Every other package speaks these
// words; this one imports nothing of ours.
//
// # Glossary
//
//   - Saga: a chain of steps that ends all-done or all-undone
//     (Garcia-Molina & Salem, "Sagas", SIGMOD 1987).
//   - Step: one member of a saga; it has an action and, mostly, a compensation.
//   - Action: the call that does a step. Compensation: the call that undoes it.
//   - Pivot: the point of no return. Before it steps are compensatable, after it
//     retriable (Richardson, "Microservices Patterns", ch. 4). A deferrable step
//     is not critical: it may be done later and never fails the saga.
//   - Orchestrator: the system under test, which executes sagas.
//   - Participant: a service that an orchestrator calls.
//   - Direction: action or compensation. Operation: (saga, step, direction).
//     Part: a compensation may be done part by part (a refund for each item);
//     then each part is an operation of its own: charge.undo, charge.undo(2).
//   - Attempt n: the n-th delivery of an operation, counted from 1.
//   - Phase: where in an attempt something happens: connect, request (on its way
//     in), receive (arrived, nothing done yet), commit (effect done, no answer
//     yet), response (on its way back).
//   - Failure point: step[.undo]#attempt@phase, for example charge#2@response.
//   - Callback: the call by which a service tells the orchestrator later what became of a step;
//     its failure points are those of charge.callback.
//   - Effect: what an attempt changed in a participant's ledger: postings on
//     accounts and writes of registers.
//   - Idempotency key: the name that all attempts of one operation share and no
//     other operation has.
//   - Fault, plan, cell, settle: see package faults and package harness.
//   - History, event: see package history. Anomaly, witness: see package checkers.
//
// Goals: plain data with validation. Non-goals: executing anything.
package saga
