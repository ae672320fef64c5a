// Package policies is the file in which the policies of all calls stand, apart from the
// definitions of sagas: templates, and bindings that say which calls follow which
// template. It reads it strictly, finds the template of a call, says what an answer means
// by it, compares two files, and works out how long calls and sagas take by them.
//
// Goals: a file is right as a whole or refused as a whole, with the line and the field of
// every mistake; what a file says of a call is a pure function of the file and the call.
//
// Non-goals: when a file comes into force, who changed it, and what became of sagas under
// way: that is the executor's, in package reference.
package policies
