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
	fails := func(attempt int) faults.Fault {
		return unavailable(at(second.Name, attempt))
	}
	wait := 3*second.Action.Retry.MaxIntervalMS + 40
	e.add(
		waiting(at(first.Name, 1), wait),
		fails(1),
		waiting(at(second.Name, 2), 1),
		fails(2),
	)
	flag := func(step string, attempt int, as string, wait time.Duration, steps ...string) faults.Fault {
		return flagged(at(step, attempt), as, int(wait.Milliseconds())+flagLasts, steps...)
	}
	longest := func(n int) time.Duration {
		_, hi := second.Action.Retry.Band(n)
		return hi
	}
	e.add(
		flag(first.Name, 1, faults.FlagParticipant, 0, second.Name),
		flag(second.Name, 1, faults.FlagDrain, longest(2)),
		fails(1),
		flag(second.Name, 2, faults.FlagRetries, longest(3)),
		fails(2),
		flag(second.Name, 3, faults.FlagCompensations, second.Action.Retry.AttemptTimeout()), // before that, what is of unknown outcome waits
		declined(at(second.Name, 3)),
	)
}
