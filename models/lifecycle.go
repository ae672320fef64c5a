package models

import (
	"fmt"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/saga"
)

// Accept is the input of a submission that the orchestrator accepted.
type Accept struct{}

// Report is the input of a status question. The output is a saga.Status; the
// empty one stands for 404, the orchestrator does not know the saga.
type Report struct{}

type lifecycleState struct {
	known  bool        // accepted, or reported once
	status saga.Status // the last report
	undone bool        // compensation has begun: there is no way forward
}

// Lifecycle specifies what an orchestrator says about one saga: it is unknown
// until it is accepted and known ever after; it runs, may turn to compensating
// and never back; a good end is final. A stuck saga may go on, since a person
// may help. operator: somebody asked for the rollback, so a completed saga may
// turn to compensating.
func Lifecycle(id string, operator bool) Spec {
	l := lifecycle{id, operator}
	return Spec{
		Model: porcupine.Model{
			Init: func() any { return lifecycleState{} },
			Step: func(state, input, output any) (bool, any) {
				st := state.(lifecycleState)
				if _, ok := input.(Accept); ok {
					st.known = true
					return true, st
				}
				status := output.(saga.Status)
				if l.broken(st, status) != "" {
					return false, st
				}
				return true, st.after(status)
			},
			DescribeOperation: func(input, output any) string {
				if _, ok := input.(Accept); ok {
					return "submit: accepted"
				}
				return fmt.Sprintf("status: %s", said(output.(saga.Status)))
			},
			DescribeState: func(state any) string { return state.(lifecycleState).String() },
		},
		Why: func(state, _, output any) string {
			return fmt.Sprintf("broke the lifecycle of a saga: %q %s", id, l.broken(state.(lifecycleState), output.(saga.Status)))
		},
		explain: drop,
	}
}

type lifecycle struct {
	id       string
	operator bool
}

// broken is the rule that a report breaks, empty if none.
func (l lifecycle) broken(st lifecycleState, s saga.Status) string {
	switch {
	case s == "" && st.known:
		return "is unknown to the orchestrator, which had accepted it"
	case s == "" || s == st.status:
		return ""
	case st.status == saga.Completed && l.operator && (s == saga.Compensating || s == saga.Compensated || s == saga.Stuck):
		return ""
	case st.status.Ended() || st.status == saga.EndedByHand:
		return fmt.Sprintf("was reported %s after it had ended %s", s, st.status)
	case st.undone && (s == saga.Running || s == saga.Completed):
		return fmt.Sprintf("was reported %s after it had begun to compensate", s)
	}
	return ""
}

func (st lifecycleState) after(s saga.Status) lifecycleState {
	if s == "" {
		return st
	}
	st.known, st.status = true, s
	st.undone = st.undone || s == saga.Compensating || s == saga.Compensated
	return st
}

func (st lifecycleState) String() string {
	switch {
	case st.status != "":
		return string(st.status)
	case st.known:
		return "accepted"
	}
	return "unknown"
}

func said(s saga.Status) string {
	if s == "" {
		return "404"
	}
	return string(s)
}
