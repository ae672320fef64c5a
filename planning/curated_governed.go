package planning

import (
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// flagLasts is for how many milliseconds a flag stays on after what it holds back would
// have begun without it.
const flagLasts = 60

// governed changes what governs the orchestrator at two steps in order. Policies: before the
// second step begins they say a wait that is longer than any other, and while it is under
// way a shorter one, which is not for it. Flags: each holds back what would be next.
func (e *ending) governed() {
	first, second, ok := e.d.GovernedPair()
	if !e.a.Governs || !ok {
		return
	}
	at := func(step string, attempt int) saga.FailurePoint { return point(step, attempt, saga.Receive) }
	unavailable := func(attempt int) faults.Fault {
		return faults.Defaults(faults.Fault{Kind: faults.KindUnavailable, At: at(second.Name, attempt)}, second.Action.Retry)
	}
	wait := 3*second.Action.Retry.MaxIntervalMS + 40
	e.add(
		faults.Fault{Kind: faults.KindChangePolicy, At: at(first.Name, 1), DelayMS: wait},
		unavailable(1),
		faults.Fault{Kind: faults.KindChangePolicy, At: at(second.Name, 2), DelayMS: 1},
		unavailable(2),
	)
	flag := func(step string, attempt int, as string, wait time.Duration, steps ...string) faults.Fault {
		return faults.Fault{Kind: faults.KindSetFlag, At: at(step, attempt), As: as, DelayMS: int(wait.Milliseconds()) + flagLasts, Steps: steps}
	}
	longest := func(n int) time.Duration {
		_, hi := second.Action.Retry.Band(n)
		return hi
	}
	e.add(
		flag(first.Name, 1, faults.FlagParticipant, 0, second.Name),
		flag(second.Name, 1, faults.FlagDrain, longest(2)),
		unavailable(1),
		flag(second.Name, 2, faults.FlagRetries, longest(3)),
		unavailable(2),
		flag(second.Name, 3, faults.FlagCompensations, second.Action.Retry.AttemptTimeout()), // before that, what is of unknown outcome waits
		faults.Fault{Kind: faults.KindReject, At: at(second.Name, 3)},
	)
}
