// Package simulation carries out plans of faults in memory, between the code of a saga and
// the services that it calls: an http.RoundTripper stands where package wire has sockets.
//
// A [Cell] records the same history as a cell on the wire, for the same checkers. Run in a
// bubble of testing/synctest, its waits take virtual time only. It knows no kinds of faults:
// what each does to an attempt it is told as data (faults.Injection).
//
// What it can't do is said by [Impossible], and its caller leaves such plans out: a process
// that is paused, a store that is cut off, what operators ask for, and the submission of a
// saga, which is a call of a function here.
//
// Goals: the failure points of the wire, evidence for every fault that fired, no socket and
// no goroutine left behind. Non-goals: choosing faults, and judging.
package simulation
