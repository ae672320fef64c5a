// Package reports is everything that a run prints or writes: the table on the
// terminal, report.json, report.md, report.html, junit.xml, one replay file a
// failure, and the progress while cells run.
//
// A Collector turns verdicts into a Run, plain data that every renderer reads
// and that report.json holds whole; the verdict and the exit code of a run are
// decided here, once, for all of them. A witness becomes a Story in the order of
// events, which the terminal, Markdown (with a Mermaid diagram), HTML and JUnit
// show alike.
//
// Goals: reports that can't look green unless something was proven, and that a
// person understands without the source at hand. Non-goals: judging a history
// (package checkers), running cells (package harness).
package reports
