package defects

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

var effectDefects = []Defect{
	{
		Name: "start-twice", Anomaly: "duplicate-effect", Source: "n8n #15878; Netflix/conductor #1859", Needs: anywhere,
		Description: "two workers pick up each operation, and each makes the first attempt under a key of its own",
		lay:         startTwice,
	},
	{
		Name: "repeat-with-new-key", Anomaly: "duplicate-effect", Source: "n8n #14423", Needs: anywhere,
		Description: "a call that succeeded is made again until its attempts are used up, each time under a new key",
		lay:         repeatWithNewKey,
	},
	{
		Name: "retry-twice", Anomaly: "duplicate-effect", Source: "Node-RED PR #1736; n8n #11861", Needs: "a transient error",
		Description: "a time-out raises two errors, so that each retry is made twice, the second under a key of its own",
		lay:         retryTwice,
	},
	{
		Name: "requeue-slow-calls", Anomaly: "double-credit", Source: "Netflix/conductor #386, #2070; go-workflows #144", Needs: "an attempt that takes longer than half its time-out",
		Description: "an attempt that outlives its worker's lease is given to another worker, which uses a key of its own",
		lay:         requeueSlowCalls,
	},
	{
		Name: "fresh-key-after-restart", Anomaly: "duplicate-effect", Source: "n8n #4867; azure-functions-durable-extension #559", Needs: "a crash at commit or response of an action",
		Description: "keys hold the number of the process, so that an interrupted attempt is repeated under another key",
		lay:         freshKeyAfterRestart,
	},
	{
		Name: "rerun-done-steps", Anomaly: "duplicate-effect", Source: "n8n PR #13168; temporal #8901; DBOS-java #491", Needs: "a crash after some step has succeeded",
		Description: "after a restart the saga runs again from its first step, under new keys",
		lay:         rerunDoneSteps,
	},
	{
		Name: "rerun-on-resubmit", Anomaly: "duplicate-saga", Needs: "a submission whose answer is lost, so that the client submits again",
		Description: "the same saga submitted again runs a second time",
		lay:         rerunOnResubmit,
	},
	{
		Name: "second-saga-on-resubmit", Anomaly: "duplicate-saga", Source: "go-workflows #291; dapr/docs PR 5306", Needs: "a submission whose answer is lost, so that the client submits again",
		Description: "the same saga submitted again runs as a second saga, under an id of its own",
		lay:         secondSagaOnResubmit,
	},
	{
		Name: "second-saga-after-restart", Anomaly: "duplicate-saga", Needs: "a submission whose answer is lost with the process, so that the client submits again",
		Description: "which sagas it was given it knows from memory, so that the same one submitted again after a restart runs as a second saga, under an id of its own",
		lay:         secondSagaAfterRestart,
	},
	{
		Name: "timeout-is-success", Anomaly: "partial-success", Source: "dtm #453", Needs: "an action's request that is lost",
		Description: "an action without an answer is taken for done",
		lay:         timeoutIsSuccess,
	},
	{
		Name: "conflict-is-success", Anomaly: "partial-success", Needs: "an action answered with 409, as by a semantic lock",
		Description: "409 is taken for \"done already\"",
		lay:         conflictIsSuccess,
	},
	{
		Name: "continue-on-error", Anomaly: "partial-success", Source: "n8n #9236, #7098", Needs: "a permanent error, or more transient ones than the policy allows attempts",
		Description: "a step that failed for good is passed over, as if it were not critical",
		lay:         continueOnError,
	},
	{
		Name: "interrupted-action-is-done", Anomaly: "partial-success", Source: "n8n PR #13168", Needs: "a crash while an action is under way that another step follows",
		Description: "after a restart the saga goes on one step too far: the step that was interrupted and the one behind it are taken for done",
		lay:         interruptedActionIsDone,
	},
	{
		Name: "intent-is-deed", Anomaly: "partial-success", Needs: "a crash when an action has been asked for, and was not done",
		Description: "after a restart the action that was interrupted is taken for done: what was meant counts as what was done",
		lay:         intentIsDeed,
	},
	{
		Name: "interrupted-is-used-up", Anomaly: "unneeded-compensation", Needs: "a crash while an action before the pivot is under way",
		Description: "after a restart the action that was interrupted is given up, whatever attempts it has left, and its saga is rolled back",
		lay:         interruptedIsUsedUp,
	},
	{
		Name: "complete-early", Anomaly: "false-status", Source: "dtm #453", Needs: "a delay or a failure at the last critical step",
		Description: "a saga is reported as completed when the last call of its critical steps has left",
		lay:         completeEarly,
	},
	{
		Name: "report-compensated-early", Anomaly: "false-status", Needs: "a permanent error behind a step that succeeded",
		Description: "a saga is reported as compensated when its rollback begins",
		lay:         reportCompensatedEarly,
	},
	{
		Name: "stale-status", Anomaly: "not-linearizable", Source: "restate #5033", Needs: "status questions after the end",
		Description: "every other status question is answered by a replica that has seen nothing but the acceptance",
		lay:         staleStatus,
	},
	{
		Name: "accept-in-memory", Anomaly: "lost-saga", Source: "n8n #4867", Needs: "a crash before the first step has its answer",
		Description: "an accepted saga is written down together with its first outcome",
		lay:         acceptInMemory,
	},
	{
		Name: "forget-ended", Anomaly: "lost-saga", Needs: anywhere,
		Description: "a saga is forgotten when nothing is left to be done for it",
		lay:         forgetEnded,
	},
}

func startTwice(r *reference.Rules) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		if a.N == 1 {
			aside(underKeyOf(a, "worker-2"), send)
		}
		return send(ctx, a)
	})
}

func repeatWithNewKey(r *reference.Rules) {
	repeatDone(r, func(a attempt) attempt { return underKeyOf(a, strconv.Itoa(a.N)) })
}

// repeatDone makes a call that succeeded again until its attempts are used up.
func repeatDone(r *reference.Rules, changed func(attempt) attempt) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		came := send(ctx, a)
		if saga.Classify(came.Code) == saga.Done {
			for a.N++; a.N <= a.Call().Retry.MaxAttempts; a.N++ {
				send(ctx, changed(a))
			}
		}
		return came
	})
}

func retryTwice(r *reference.Rules) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		if a.N > 1 {
			aside(underKeyOf(a, "error-"+strconv.Itoa(a.N)), send)
		}
		return send(ctx, a)
	})
}

func requeueSlowCalls(r *reference.Rules) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		answered := make(chan struct{})
		defer close(answered)
		later(underKeyOf(a, "worker-2"), a.Timeout()/2, answered, send)
		return send(ctx, a)
	})
}

func freshKeyAfterRestart(r *reference.Rules) {
	restarted := hasRestarted(r)
	overKey(r, func(_ op, _ int, key string) string {
		if restarted.Load() {
			return key + "/" + strconv.Itoa(os.Getpid())
		}
		return key
	})
}

func rerunDoneSteps(r *reference.Rules) {
	onRestart(r, func(e *reference.Executor, s *state) {
		for i := range s.Def.Steps {
			if s.Actions[i].Done() && !s.Failing() {
				aside(underKeyOf(e.Op(s.Def, reference.Ref{Step: i, Dir: saga.Action}).Attempt(1), "run-2"), r.Send)
			}
		}
	})
}

// onResubmit calls f for each action of a saga that is submitted again.
func onResubmit(r *reference.Rules, f func(e *reference.Executor, d saga.Definition, action reference.Ref)) {
	was := r.Resubmit
	r.Resubmit = func(e *reference.Executor, accepted, again saga.Definition) error {
		for i := range again.Steps {
			f(e, again, reference.Ref{Step: i, Dir: saga.Action})
		}
		return was(e, accepted, again)
	}
}

func rerunOnResubmit(r *reference.Rules) {
	onResubmit(r, func(e *reference.Executor, d saga.Definition, action reference.Ref) {
		aside(underKeyOf(e.Op(d, action).Attempt(1), "run-2"), r.Send)
	})
}

func secondSagaOnResubmit(r *reference.Rules) {
	onResubmit(r, secondSaga(r))
}

func secondSagaAfterRestart(r *reference.Rules) {
	var forgotten sync.Map // ids of sagas
	onRestart(r, func(_ *reference.Executor, s *state) { forgotten.Store(s.Def.ID, true) })
	second := secondSaga(r)
	onResubmit(r, func(e *reference.Executor, d saga.Definition, action reference.Ref) {
		if _, yes := forgotten.Load(d.ID); yes {
			second(e, d, action)
		}
	})
}

// secondSaga makes a call of a second saga, whose id is like that of the first.
func secondSaga(r *reference.Rules) func(e *reference.Executor, d saga.Definition, action reference.Ref) {
	return func(e *reference.Executor, d saga.Definition, action reference.Ref) {
		d.ID += "-2"
		aside(e.Op(d, action).Attempt(1), r.Send)
	}
}

func timeoutIsSuccess(r *reference.Rules) {
	overMeaning(r, func(o op, a answer, m saga.Answer) saga.Answer {
		if isAction(o) && a.Code == 0 {
			return saga.Done
		}
		return m
	})
}

func conflictIsSuccess(r *reference.Rules) {
	overMeaning(r, func(o op, a answer, m saga.Answer) saga.Answer {
		if isAction(o) && a.Code == http.StatusConflict {
			return saga.Done
		}
		return m
	})
}

func continueOnError(r *reference.Rules) {
	r.Critical = func(*state, int) bool { return false }
}

func interruptedActionIsDone(r *reference.Rules) {
	believesDone(r, func(s *state, ref reference.Ref) bool {
		if ref.Dir != saga.Action {
			return false
		}
		for _, i := range append(s.Directly(ref.Step), ref.Step) {
			if s.Actions[i].Open {
				return true
			}
		}
		return false
	})
}

func intentIsDeed(r *reference.Rules) {
	believesDone(r, func(s *state, ref reference.Ref) bool { return ref.Dir == saga.Action && s.Op(ref).Open })
}

func interruptedIsUsedUp(r *reference.Rules) {
	was := r.Recover
	r.Recover = func(s *state, ref reference.Ref, now time.Time) []reference.Record {
		records := was(s, ref, now)
		if ref.Dir == saga.Action && s.Def.Steps[ref.Step].Kind == saga.Compensatable {
			for i := range records {
				records[i].Exhausted = true
			}
		}
		return records
	}
}

// believesDone: a restart takes operations for done.
func believesDone(r *reference.Rules, believed func(s *state, ref reference.Ref) bool) {
	believes(r, saga.Done, believed)
}

// believes: a restart takes operations for answered so.
func believes(r *reference.Rules, said saga.Answer, believed func(s *state, ref reference.Ref) bool) {
	was := r.Recover
	r.Recover = func(s *state, ref reference.Ref, now time.Time) []reference.Record {
		o := s.Op(ref)
		if o.Settled() || !believed(s, ref) {
			return was(s, ref, now)
		}
		outcome := reference.Record{Kind: reference.RecordOutcome, At: now, Step: ref.Step, Direction: ref.Dir, Attempt: o.Attempts, Answer: said}
		if o.Open {
			return []reference.Record{outcome}
		}
		outcome.Attempt++
		intent := outcome
		intent.Kind, intent.Answer = reference.RecordIntent, ""
		return []reference.Record{intent, outcome}
	}
}

func completeEarly(r *reference.Rules) {
	was := r.Status
	r.Status = func(s *state) saga.Status {
		status := was(s)
		if status != saga.Running {
			return status
		}
		for i := range s.Def.Steps {
			if s.Actions[i].Attempts == 0 && s.Critical(i) {
				return status
			}
		}
		return saga.Completed
	}
}

func reportCompensatedEarly(r *reference.Rules) {
	was := r.Status
	r.Status = func(s *state) saga.Status {
		if status := was(s); status != saga.Compensating {
			return status
		}
		return saga.Compensated
	}
}

func staleStatus(r *reference.Rules) {
	var asked atomic.Int64
	was := r.Report
	r.Report = func(s *state) (saga.Report, bool) {
		report, known := was(s)
		if asked.Add(1)%2 == 0 {
			report.Status = saga.Running
			for i, st := range s.Def.Steps {
				report.Steps[i] = saga.StepStatus{Name: st.Name, Status: saga.StepPending}
			}
		}
		return report, known
	}
}

func acceptInMemory(r *reference.Rules) {
	var mu sync.Mutex
	held := map[string][]reference.Record{}
	was := r.Entries
	r.Entries = func(id string, after int, records []reference.Record) [][]reference.Record {
		mu.Lock()
		defer mu.Unlock()
		first, waits := held[id]
		if after == 0 && !waits {
			held[id] = records
			return nil
		}
		delete(held, id)
		return was(id, after, append(first, records...))
	}
}

func forgetEnded(r *reference.Rules) {
	was := r.Report
	r.Report = func(s *state) (saga.Report, bool) {
		report, known := was(s)
		return report, known && !s.Quiet()
	}
}
