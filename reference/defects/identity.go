package defects

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/reference"
)

var identityDefects = []Defect{
	{
		Name: "fresh-key-per-attempt", Anomaly: "key-misuse", Needs: "a transient error",
		Description: "each attempt has a key of its own",
		lay:         freshKeyPerAttempt,
	},
	{
		Name: "no-key", Anomaly: "key-misuse", Needs: anywhere,
		Description: "calls carry no Idempotency-Key",
		lay:         noKey,
	},
	{
		Name: "key-per-saga", Anomaly: "key-misuse", Needs: anywhere,
		Description: "all operations of a saga share one key",
		lay:         keyPerSaga,
	},
	{
		Name: "key-without-direction", Anomaly: "key-misuse", Needs: "a rollback",
		Description: "a step's action and compensation share one key",
		lay:         keyWithoutDirection,
	},
	{
		Name: "no-saga-id", Anomaly: "untraceable-call", Needs: anywhere,
		Description: "calls carry no Saga-Id",
		lay:         noSagaId,
	},
	{
		Name: "saga-id-of-worker", Anomaly: "untraceable-call", Needs: "a transient error",
		Description: "a retry carries the id of its worker in place of the saga's",
		lay:         sagaIdOfWorker,
	},
	{
		Name: "no-trace-on-compensation", Anomaly: "untraceable-call", Needs: "a rollback",
		Description: "compensations carry no traceparent",
		lay:         noTraceOnCompensation,
	},
}

func freshKeyPerAttempt(r *reference.Rules) {
	overKey(r, func(_ op, n int, key string) string { return key + "/" + strconv.Itoa(n) })
}

func noKey(r *reference.Rules) {
	overHeader(r, func(_ op, _ int, h http.Header) { h.Del("Idempotency-Key") })
}

func keyPerSaga(r *reference.Rules) {
	overKey(r, func(_ op, _ int, key string) string {
		ofSaga, _, _ := strings.Cut(key, "/")
		return ofSaga
	})
}

func keyWithoutDirection(r *reference.Rules) {
	overKey(r, func(o op, _ int, key string) string { return strings.TrimSuffix(key, "/"+string(o.Dir)) })
}

func noSagaId(r *reference.Rules) {
	overHeader(r, func(_ op, _ int, h http.Header) { h.Del("Saga-Id") })
}

func sagaIdOfWorker(r *reference.Rules) {
	overHeader(r, func(_ op, n int, h http.Header) {
		if n > 1 {
			h.Set("Saga-Id", "worker-1")
		}
	})
}

func noTraceOnCompensation(r *reference.Rules) {
	overHeader(r, func(o op, _ int, h http.Header) {
		if isUndo(o) {
			h.Del("Traceparent")
		}
	})
}
