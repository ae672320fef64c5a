package defects

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

var livenessDefects = []Defect{
	{
		Name: "no-recovery", Anomaly: "stuck-saga", Source: "DBOS-py #805; restate #5033; temporal #10286", Needs: "a crash while the saga is open",
		Description: "after a restart open sagas are known, and nobody continues them",
		lay:         noRecovery,
	},
	{
		Name: "job-lost-with-answer", Anomaly: "stuck-saga", Source: "camunda #5925", Needs: "an attempt without an answer",
		Description: "an attempt without an answer is waited for without end",
		lay:         jobLostWithAnswer,
	},
	{
		Name: "throttled-forever", Anomaly: "stuck-saga", Needs: "429",
		Description: "an operation that was throttled is never resumed",
		lay:         throttledForever,
	},
	{
		Name: "no-attempt-timeout", Anomaly: "stuck-saga", Needs: "silence: a connection that stays open and brings no answer",
		Description: "attempts have no time-out",
		lay:         noAttemptTimeout,
	},
	{
		Name: "json-only", Anomaly: "lost-compensation", Needs: "a success whose answer is no JSON",
		Description: "a success that is no JSON is taken for a refusal",
		lay:         jsonOnly,
	},
	{
		Name: "head-timeout", Anomaly: "stuck-saga", Needs: "an answer that stalls behind its head",
		Description: "the time-out of an attempt ends with the head of the answer",
		lay:         headTimeout,
	},
	{
		Name: "stop-on-store-error", Anomaly: "stuck-saga", Needs: "an outage of the store",
		Description: "the journal's writer ends at the first error of the store",
		lay:         stopOnStoreError,
	},
	{
		Name: "store-errors-ignored", Anomaly: "lost-saga", Needs: "an outage of the store, and a crash",
		Description: "what the store did not take is taken for written",
		lay:         storeErrorsIgnored,
	},
}

func noRecovery(r *reference.Rules) {
	r.Continue = func(*reference.Executor, *state) bool { return false }
}

func jobLostWithAnswer(r *reference.Rules) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		came := send(ctx, a)
		if came.Code == 0 {
			<-ctx.Done()
		}
		return came
	})
}

func throttledForever(r *reference.Rules) {
	overConclusion(r, func(_ op, a answer, c *reference.Outcome) {
		if a.Code == http.StatusTooManyRequests {
			c.Again = false
		}
	})
}

func noAttemptTimeout(r *reference.Rules) {
	r.Bound = func(ctx context.Context, _ op) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }
}

func jsonOnly(r *reference.Rules) {
	overMeaning(r, func(_ op, a answer, m saga.Answer) saga.Answer {
		if m == saga.Done && strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			return saga.Permanent
		}
		return m
	})
}

func headTimeout(r *reference.Rules) {
	r.Bound = func(ctx context.Context, o op) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		t := time.AfterFunc(o.Timeout(), cancel)
		return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { t.Stop() }}), cancel
	}
}

func stopOnStoreError(r *reference.Rules) {
	r.StoreFailed = func(error) reference.Remedy { return reference.GiveUp }
}

// storeErrorsIgnored: the journal may have gaps, and a restart passes them over.
func storeErrorsIgnored(r *reference.Rules) {
	r.StoreFailed = func(error) reference.Remedy { return reference.Ignore }
	r.Unreadable = func(string, error) bool { return false }
}
