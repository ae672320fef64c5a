// Package reports shows what was found (package results): the tables and stories on
// the terminal (Print), report.md, report.html and junit.xml (Markdown, HTML, JUnit),
// and the progress while cells run. Save writes them all, with the replay files of
// the failures, into the folder of a run.
//
// Every renderer gets the same results.Run and decides nothing: they can't say
// anything else than the exit code does. A story is drawn as text, as a Mermaid
// diagram and as a picture (SVG).
//
// Goals: reports that a person understands without the source at hand. Non-goals:
// judging (packages checkers and results).
package reports
