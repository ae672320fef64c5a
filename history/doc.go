// Package history is the record of one cell: what was submitted, what went over
// the wire, what the participants did, which faults fired, and what the ledgers
// said in the end. Checkers judge nothing but this.
//
// A history is a header and a list of events in the order in which they were
// recorded. It is stored as JSON Lines, one file a cell, header first; see
// journal.go. Index answers questions by operation and attempt; text.go has a
// compact form that a person can type, for golden tests.
//
// Goals: complete evidence, readable years later without the engines. Non-goals:
// judging (package checkers), collecting (package harness).
package history
