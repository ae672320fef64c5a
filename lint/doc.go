// Package lint names, in the files of sagas, workflows and policies, what goes against the
// rules that durable workflows follow, before anything runs. Each rule has its reason; what
// only a run can show (whether a key is minded, whether an undo is right) it leaves to runs.
package lint
