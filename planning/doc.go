// Package planning makes plans of faults for the sagas of a cell:
//
//   - Curated is the fixed set, Draw a random plan, Chance the baseline without
//     failure points;
//   - an Explorer enumerates all plans of so many faults, from the traces of the runs
//     before, and prunes what is sure to show nothing new (Rules);
//   - a Shrinker looks for a smaller plan and smaller sagas that fail in the same way.
//
// What is curated and drawn is sure to fire against an orchestrator that keeps the
// contract, since it is placed on what predict says of such a one. What a kind of
// fault does is asked of package faults.
//
// Goals: the same plans from the same seed or traces. Non-goals: running anything, and
// judging: an explorer reads only how far a history got.
package planning
