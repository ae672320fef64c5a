// Package campaign is what a command does: it runs cells, judges them, and hands back
// what was found. It is the only place that joins running and judging.
//
// Each campaign is one function: [Run], [Explore], [Replay], [Compare], [Mutate],
// [MutateHistories], [Check] and [Merge]. It takes a context, the [Host] that it tells
// what it is about, and plain options whose starting point is [Defaults]. It gives a
// [Finished], which holds a results.Run, or an [Error] with the exit code that fits.
// Histories lie in the folder of the run by then; reports are written and shown by
// whoever called. Errors name options as the command line does.
//
// Reading order: settings.go and session.go (what all campaigns have in common),
// cells.go (cells are run and judged), run.go; then the others.
package campaign
