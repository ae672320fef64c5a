// Package workflows is the file of a workflow of the user's own: how it is started,
// which of its calls is what, what the services that it calls answer, and what must
// hold in the user's own words.
//
// A Workflow is read by [Load], which names every mistake with its line and field. Its
// services find the [Operation] that a [Request] belongs to; a [Call] is a request bound
// to its operation, and reads from it what the expressions of the file say: the saga, the
// instance, the effect, the answer.
//
// Goals: the file is all that is needed, and nothing in the workflow is changed.
// Non-goals: sockets and ledgers (packages wire and participants), and remembering what
// was said before, which is told by whoever runs the cells.
package workflows
