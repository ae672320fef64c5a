// Package faults is plans of faults and their kinds: one file a kind.
//
// A Plan is plain data in which every choice is already made. A kind says all that
// is true of it: where it may strike and with which fields, how it is drawn and made
// simpler, and what it does to an attempt, as data (Injection). Package planning says
// which plans are run, and package wire carries them out on sockets.
//
// Goals: exact failure points, and plans that people write and read. Non-goals:
// randomness while a cell runs, and anything that runs.
package faults
