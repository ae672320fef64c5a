// Package wire carries out plans of faults on real sockets.
//
// A Wire is the pool of addresses of a run, on Toxiproxy as a library: each
// connection gets its own chain of toxics. An Injector carries out the plan of one
// cell: on the wire, in the participants' hooks, and on the orchestrator's process
// and store. It knows no kinds of faults: what each does to an attempt it is told
// as data (faults.Injection). The life of an attempt is drawn at exchange.
//
// Only this package and the proxy in front of an orchestrator's store import
// toxiproxy.
//
// Goals: exact failure points, evidence for every fault that fired, and a fence
// around each cell past which nothing is recorded. Non-goals: choosing faults, and
// chance: nothing is drawn here.
package wire
