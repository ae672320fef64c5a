// Package checkers judges histories: one file an anomaly, each a pure function
// from a history to a verdict.
//
// A violation carries its witness, the few events that prove it. A pass says how
// often the property was at risk; never at risk is vacuous, not pass. Judge adds
// the rules that hold for all: a planned fault that did not fire makes the cell
// vacuous, a missing capability makes a property not applicable.
//
// Goals: verdicts that can be repeated years later from the stored history
// alone. Non-goals: running anything.
package checkers
