// Package live shows a run while it runs, as pages: how far it is, what it has found, which cells
// run, and what happened in a cell, whatever is tested.
//
// Reading order: view.go (what is known of the run), phases.go (how far it is),
// findings.go (what it has found), site.go (the pages), cell.go (that of one cell), serve.go (the
// server).
//
// Goals: nothing that somebody looks at holds up a cell or changes a verdict; what orchestrators and
// services said is shown as text, whatever it is. Non-goals: what is known when the run is over,
// which is in its report; whoever is on another machine.
package live
