package defects

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// operatedDefects do not do what operators ask for, do it more than once, or do not say that
// they did.
var operatedDefects = []Defect{
	{
		Name: "rollback-dropped-in-wait", Anomaly: "ignored-rollback", Needs: "an operator who asks for the rollback while the saga waits for its next attempt",
		Description: "a rollback that is asked for while nothing of the saga is under way is accepted and forgotten",
		lay:         rollbackDroppedInWait,
	},
	{
		Name: "rollback-by-each-console", Anomaly: "over-credit", Needs: "two operators who ask for the rollback at once",
		Description: "a second request for the rollback is carried out too: what was done is undone once more, under keys of its own",
		lay:         rollbackByEachConsole,
	},
	{
		Name: "undo-again-on-resume", Anomaly: "over-credit", Needs: "an operator who pauses a saga in its rollback, after some compensation is done",
		Description: "a rollback that was paused begins anew when it is resumed: what is undone is undone once more, under keys of its own",
		lay:         undoAgainOnResume,
	},
	{
		Name: "acts-untold-after-restart", Anomaly: "unaudited-action", Needs: "an operator, and a crash after that",
		Description: "what operators asked for is in the audit until the next start only",
		lay:         actsUntoldAfterRestart,
	},
	{
		Name: "reasons-dropped", Anomaly: "unaudited-action", Needs: "an operator",
		Description: "what an operator asked for is written down without the reason",
		lay:         reasonsDropped,
	},
	{
		Name: "pause-forgotten-after-restart", Anomaly: "ignored-operator", Needs: "an operator who pauses a saga, and a crash after that",
		Description: "a saga that was paused goes on after a restart",
		lay:         pauseForgottenAfterRestart,
	},
	{
		Name: "pause-holds-actions-only", Anomaly: "ignored-operator", Needs: "an operator who pauses a saga in its rollback",
		Description: "compensations go on although the saga is paused",
		lay:         pauseHoldsActionsOnly,
	},
	{
		Name: "end-leaves-compensations", Anomaly: "ignored-operator", Needs: "an operator who ends a saga in its rollback",
		Description: "compensations go on although the saga was ended by hand",
		lay:         endLeavesCompensations,
	},
	{
		Name: "retry-waits-on", Anomaly: "ignored-operator", Needs: "an operator who asks to retry now while a Retry-After is waited for",
		Description: "a retry that an operator asks for is written down, and the wait goes on",
		lay:         retryWaitsOn,
	},
}

func overActed(r *reference.Rules, f func(e *reference.Executor, s *state, a reference.Asked, changed bool)) {
	was := r.Acted
	r.Acted = func(e *reference.Executor, s *state, a reference.Asked, changed bool) {
		f(e, s, a, changed)
		was(e, s, a, changed)
	}
}

func rollbackDroppedInWait(r *reference.Rules) {
	was := r.Turned
	var asked sync.Map // saga → whether nothing of it was under way when its rollback was asked for
	r.Turned = func(s *state) bool {
		if !s.Operator {
			return was(s)
		}
		idle, _ := asked.LoadOrStore(s.Def.ID, !slices.ContainsFunc(s.Actions, func(o reference.OpState) bool { return o.Open }))
		return idle == false && was(s) || s.AnyFailed() && !s.PastPivot()
	}
}

func rollbackByEachConsole(r *reference.Rules) {
	overActed(r, func(e *reference.Executor, s *state, a reference.Asked, changed bool) {
		for i := range s.Def.Steps {
			if a.Act == saga.ActRollback && !changed && s.Actions[i].Done() && s.NeedsUndo(i) {
				aside(underKeyOf(e.Op(s.Def, reference.Ref{Step: i, Dir: saga.Compensation}).Attempt(1), a.Author), r.Send)
			}
		}
	})
}

func undoAgainOnResume(r *reference.Rules) {
	overActed(r, func(e *reference.Executor, s *state, a reference.Asked, changed bool) {
		for i := range s.Def.Steps {
			if a.Act == saga.ActResume && changed && s.Undos[i].Done() {
				aside(underKeyOf(e.Op(s.Def, reference.Ref{Step: i, Dir: saga.Compensation}).Attempt(1), "resumed"), r.Send)
			}
		}
	})
}

func actsUntoldAfterRestart(r *reference.Rules) {
	restarted := hasRestarted(r)
	r.Tells = func(a reference.AuditEntry) bool {
		return !restarted.Load() || !strings.HasPrefix(a.What, reference.AuditOperator)
	}
}

func reasonsDropped(r *reference.Rules) {
	was := r.Entries
	r.Entries = func(id string, after int, records []reference.Record) [][]reference.Record {
		records = slices.Clone(records)
		for i := range records {
			if records[i].Asked != nil {
				nameless := *records[i].Asked
				nameless.Reason = ""
				records[i].Asked = &nameless
			}
		}
		return was(id, after, records)
	}
}

func pauseForgottenAfterRestart(r *reference.Rules) {
	restarted, was := hasRestarted(r), r.Paused
	r.Paused = func(s *state, ref reference.Ref) bool { return was(s, ref) && !restarted.Load() }
}

func pauseHoldsActionsOnly(r *reference.Rules) {
	was := r.Paused
	r.Paused = func(s *state, ref reference.Ref) bool { return was(s, ref) && ref.Dir == saga.Action }
}

func endLeavesCompensations(r *reference.Rules) {
	was := r.Over
	r.Over = func(s *state, ref reference.Ref) bool { return was(s, ref) && ref.Dir == saga.Action }
}

func retryWaitsOn(r *reference.Rules) { r.Hurries = func(*state) bool { return false } }

// twiceTheMargin is legal: nobody has to undo as soon as it is safe.
func twiceTheMargin(r *reference.Rules) {
	was := r.Margin
	r.Margin = func(s *state, step int) time.Time {
		at := was(s, step)
		if at.IsZero() {
			return at
		}
		return at.Add(time.Duration(s.Def.Steps[step].Action.Retry.AttemptTimeoutMS) * time.Millisecond)
	}
}
