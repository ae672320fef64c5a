// Package harness runs cells: one scenario under one plan against one
// orchestrator with one participant profile, with addresses, ledgers and a
// history of its own. Cells run side by side; one that kills or pauses the
// orchestrator gets an orchestrator of its own.
//
// After the faults have fired and healed, a cell settles: the harness waits,
// within bounds, until the sagas have ended and the wires are silent, and then
// reads the ledgers. The history is written before anybody judges it.
//
// Goals: exact evidence, no waiting where an event can be awaited. Non-goals:
// judging, and chance: the harness draws nothing.
package harness
