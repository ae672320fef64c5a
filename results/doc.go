// Package results is what was found: a Collector turns the verdicts of cells into a
// Run, plain data that report.json holds whole and every renderer (package reports)
// reads. The verdict and the exit code of a run are decided here, once, for all of
// them.
//
// Run has the verdict of each property (Property, Result), what was violated
// (Failure), with its witness as a Story in the order of events and as a Replay that
// can be run again, and the sections that some commands add: Coverage of an
// exploration, the kill matrix (Mutants), a Comparison of engines. Merge joins the
// runs of shards.
//
// A run has a folder. What the run is to do stands in it before its first cell
// (Manifest), what became of each cell as soon as that is known, and the reports at
// the end; LoadRun, LoadManifest, LoadCells and LoadReplay read it back.
//
// Goals: a result that can't be green unless something was proven, and that needs
// nothing of what ran the cells. Non-goals: judging a history (package checkers),
// running cells (package harness), showing what was found (package reports).
package results
