package defects

import (
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// wayDefects go the wrong way round a step that is given up, or none.
var wayDefects = []Defect{
	{
		Name: "fallback-without-undo", Anomaly: "lost-compensation", Needs: "an action that nobody heard of, and a step that stands for it",
		Description: "what a step may have done is not undone when another one is taken in its place",
		lay:         fallbackWithoutUndo,
	},
	{
		Name: "fallback-before-undo", Anomaly: "false-status", Needs: "an action that nobody heard of, and a step that stands for it",
		Description: "a step is taken in the place of another one before that is undone",
		lay:         fallbackBeforeUndo,
	},
	{
		Name: "fallback-in-any-case", Anomaly: "partial-success", Needs: "a step that stands for another one",
		Description: "a step that stands for another one is taken although that has succeeded",
		lay:         fallbackInAnyCase,
	},
	{
		Name: "fallback-too-early", Anomaly: "retry-budget", Needs: "a transient error of an action for which another step stands",
		Description: "a step for which another one stands is given up at its first error",
		lay:         fallbackTooEarly,
	},
	{
		Name: "fallback-ignored", Anomaly: "degradation-failure", Needs: "an action that is given up, and a step that stands for it",
		Description: "a saga is rolled back for a step although another one stands for it",
		lay:         fallbackIgnored,
	},
	{
		Name: "fallback-forgotten", Anomaly: "degradation-failure", Needs: "a crash before an action is given up for which another step stands",
		Description: "after a restart nobody knows that another step stands for one that is given up",
		lay:         fallbackForgotten,
	},
	{
		Name: "fallback-after-turn", Anomaly: "action-after-turn", Needs: "an operator's rollback while an action is undone for which another step stands",
		Description: "a step is taken in the place of another one although its saga has turned meanwhile",
		lay:         fallbackAfterTurn,
	},
}

// gaveWay tells whether a step is given up, and another one stands for it.
func gaveWay(s *state, step int) bool {
	return s.Def.Fallbacks()[s.Def.Steps[step].Name] != "" && s.Actions[step].Lost()
}

func fallbackWithoutUndo(r *reference.Rules) { forgetsUndo(r, gaveWay) }

func fallbackBeforeUndo(r *reference.Rules) {
	was := r.Satisfied
	r.Satisfied = func(s *state, step int) bool { return was(s, step) || gaveWay(s, step) }
}

func fallbackInAnyCase(r *reference.Rules) {
	was := r.Ready
	r.Ready = func(s *state, step int) bool {
		first := s.Def.StepIndex(s.Def.Steps[step].FallbackFor)
		return was(s, step) || first >= 0 && s.Actions[first].Done()
	}
}

func fallbackTooEarly(r *reference.Rules) {
	overLimits(r, func(s *state, ref reference.Ref, l *reference.Limits) {
		if ref.Dir == saga.Action && s.Def.Fallbacks()[s.Def.Steps[ref.Step].Name] != "" {
			l.Policy.MaxAttempts = 1
		}
	})
}

func fallbackIgnored(r *reference.Rules) {
	was := r.Failed
	r.Failed = func(s *state, step int) bool { return was(s, step) || gaveWay(s, step) }
}

func fallbackForgotten(r *reference.Rules) {
	was, restarted := r.Failed, hasRestarted(r)
	r.Failed = func(s *state, step int) bool { return was(s, step) || restarted.Load() && gaveWay(s, step) }
}

func fallbackAfterTurn(r *reference.Rules) {
	was := r.OnTheWayBack
	r.OnTheWayBack = func(s *state, step int) bool {
		first := s.Def.StepIndex(s.Def.Steps[step].FallbackFor)
		return was(s, step) || first >= 0 && gaveWay(s, first) && s.Undone(first) && !s.Actions[step].Exhausted
	}
}
