// Package participants is the stand-in services behind the proxies: they apply
// the effects that calls ask for to double-entry ledgers, protected as their
// profile says (naive, keyed, fenced), and record everything.
//
// A World is the participants of one cell. A Server answers for all worlds of a
// run on one address of 127.0.0.1; which attempt a request belongs to is told by
// the wire, from the address that the connection comes from, so that the system
// under test needs no header and no SDK.
//
// Goals: effects that can be counted, protection that can be switched. Non-goals:
// persistence (a world lives as long as its cell, also across a participant's
// crash: its ledger is durable, its connections are not).
package participants
