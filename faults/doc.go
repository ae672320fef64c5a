// Package faults is plans and their injection: one file a kind of fault.
//
// A Plan is plain data in which every choice is already made. The generator and
// the explorer make plans; the wire (Toxiproxy as a library, one chain of toxics
// a connection) and the participants' hooks carry them out. This is the only
// package that imports toxiproxy.
//
// Goals: exact failure points, evidence for every fault that fired. Non-goals:
// randomness while a cell runs.
package faults
