// Package queue hands the cells of a run to workers on other machines, over NATS
// JetStream, and brings back what became of them.
//
// What is there while a run goes on, under names that the tools of NATS show:
//
//   - SAGACHECK_RUNS, a key-value bucket: a run that wants workers, under its name, or that it is
//     over. The entry goes when whoever runs it was silent for [Options.GoneAfter].
//   - SAGACHECK_<run>, a work-queue stream of chunks of cells (sagacheck.<run>.chunks), with the
//     durable pull consumer "workers". A chunk that nobody says to work on is given to another worker,
//     and at most [Options.MaxDeliver] times.
//   - SAGACHECK_RESULTS_<run>, a key-value bucket: what became of a cell, under its id. Who
//     comes second finds the key, and what they have is dropped: each cell counts once.
//   - SAGACHECK_HISTORIES_<run>, an object store: histories that are too long for a message.
//   - sagacheck.<run>.alive, a subject that is not kept: workers say there that they live.
//
// A server that is gone is waited for. What does not come back (a store that was lost, a right that
// was never there, whoever ran the run) is an error for everybody: [LostError], [ForbiddenError], [GoneError].
//
// Every message has the version of the program and a digest of its catalogue in its header, and
// whoever is of another version takes part in nothing.
//
// It does not know what a cell is, runs nothing, and judges nothing.
package queue
