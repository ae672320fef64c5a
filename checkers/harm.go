package checkers

import "slices"

// harms are the properties by what it costs that one is broken, the worst first: who reads a report begins with
// money. It is another order than that of telling, which looks for causes.
var harms = slices.Concat(
	[]string{ // the world is wrong: something was done twice, not undone, or to the wrong one
		"double-credit", "broken-invariant", "duplicate-effect", "duplicate-compensation", "duplicate-saga", "lost-compensation", "partial-success", "hanging-action",
		"inexact-compensation", "empty-compensation", "orphaned-effect", "wrong-reference", "diverged-effect", "over-credit", "wrong-repair",
		"lost-update", "dirty-read", "not-linearizable",
	},
	[]string{ // a saga does not come to its end, or to another than it should, or says so
		"lost-saga", "stuck-saga", "ignored-rollback", "pivot-violation", "degradation-failure", "unneeded-compensation", "false-status",
	},
	[]string{ // calls are not as the contract has them: others may suffer from it
		"mangled-body", "key-misuse", "step-order", "compensation-order", "action-after-turn", "version-changed", "retried-permanent-error",
		"retry-amplification", "thundering-herd", "breaker-violation", "retry-budget", "backoff-violation", "adaptive-out-of-bounds",
	},
	[]string{ // practice: people can't steer it, or don't see what it does
		"ignored-operator", "flag-ignored", "policy-not-applied", "drift-unnoticed", "audit-gap", "unaudited-action",
		"silent-rollback", "untraceable-call", "broken-trace", "missing-log", "untruthful-metric", "redundant-call",
	},
)

// Harm ranks a property by what it costs that it is broken: 0 is the worst. What is not in the catalogue comes last.
func Harm(property string) int {
	if i := slices.Index(harms, property); i >= 0 {
		return i
	}
	return len(harms)
}
