// Package mutation changes recorded histories: each operator makes one mistake
// at one place of a history that passed, and the checker whose promise that
// breaks must say so. What survives is a checker that only seems to look.
//
// It is mutation testing (DeMillo, Lipton & Sayward, "Hints on test data
// selection", 1978) of the checkers instead of the code: the planted defects of
// the executor and the participants show what a run finds, this shows what a
// checker can see in what a run recorded.
//
// Goals: every clause of every checker broken by an operator, at each place where
// it was at risk. Non-goals: running anything.
package mutation
