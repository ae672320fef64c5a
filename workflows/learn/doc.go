// Package learn writes the first file of a workflow from what was seen of it: its
// starts, the calls that it made to its services, and their answers.
//
// Goals: the draft can be run as it stands, and says with each guess what it rests on.
// What nobody can see (what an amount is counted in) is marked with TODO.
//
// Non-goals: it runs nothing (campaign does), and it judges nothing.
package learn
