package faults

import (
	"fmt"
	"net/http"
	"slices"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/internal/dice"
	"github.com/sagacheck/sagacheck/saga"
)

// answer is any status code. At receive it is given in front of the participant,
// by a gateway or a load balancer: nothing was done, and nobody has looked at the
// key. At commit everything was done, and the code is all that comes back.
type answer struct{ plain }

var _ Kind = answer{}

func (answer) Doc() KindDoc {
	return KindDoc{
		Name: "answer", Phases: []saga.Phase{saga.Receive, saga.Commit},
		Fields:  []string{"code", "retry_after_s", "retry_after_date"},
		Answers: true,
		Follows: "what the contract says of the code: done, a transient failure of unknown outcome, or a permanent one",
		Text:    "the call is answered with code. At receive a gateway in front of the participant answers, and nothing was done: a transient code (408, 425, 429, 5xx) or a permanent one (any other 4xx). At commit everything was done: a success (2xx; 204 has no body) or a transient code. With a transient code there may be a Retry-After, in seconds or as an HTTP date",
	}
}

func (answer) Validate(f Fault) error {
	class := saga.Classify(f.Code)
	switch {
	case f.Code < 200 || f.Code > 599 || f.Code/100 == 3:
		return fmt.Errorf("code: %d: expected an HTTP status of 2xx, 4xx or 5xx", f.Code)
	case f.At.Phase == saga.Receive && class == saga.Done:
		return fmt.Errorf("code: %d: expected 4xx or 5xx at receive: nothing was done there", f.Code)
	case f.At.Phase == saga.Commit && class == saga.Permanent:
		return fmt.Errorf("code: %d: expected 2xx or a transient code at commit: a refusal says that nothing was done", f.Code)
	case f.RetryAfterS < 0:
		return fmt.Errorf("retry_after_s: %d: expected 0 (none) or more", f.RetryAfterS)
	case f.RetryAfterS > 0 && class != saga.Transient:
		return fmt.Errorf("retry_after_s: expected nothing with code %d: only transient answers are waited for", f.Code)
	case f.RetryAfterDate && f.RetryAfterS == 0:
		return fmt.Errorf("retry_after_date: expected retry_after_s, too: how far the date lies ahead")
	}
	return nil
}

// Injection is an answer.
func (answer) Injection(f Fault, _ int) Injection {
	return Injection{Answer: &Answer{
		Code: f.Code, Title: http.StatusText(f.Code), RetryAfterS: f.RetryAfterS, RetryAfterDate: f.RetryAfterDate,
	}}
}

// Usual is one code.
func (answer) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.Code = answerCode(f.At)
	return []Fault{f}
}

// Draw draws the code, and sometimes a Retry-After.
func (answer) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.Code = dice.Pick(t, answerCodes(f.At), "code")
	if saga.Classify(f.Code) == saga.Transient && dice.Below(t, 4, "Retry-After") == 0 {
		f.RetryAfterS, f.RetryAfterDate = 1, rapid.Bool().Draw(t, "as a date")
	}
	return f
}

// AnswerCodes are the codes of a meaning that are worth trying: those that
// orchestrators with a list of codes may have forgotten, or put on the wrong side.
// Those of transient answers of which one may think that nothing was done come first,
// and the most common of permanent ones.
func AnswerCodes(meaning saga.Answer) []int {
	switch meaning {
	case saga.Transient:
		return []int{
			http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests,
			http.StatusNotImplemented, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, 599,
		}
	case saga.Permanent:
		return []int{
			http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusGone,
			http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusMethodNotAllowed, http.StatusUnavailableForLegalReasons,
		}
	case saga.Done:
		return []int{http.StatusCreated, http.StatusAccepted, http.StatusNoContent}
	}
	return nil
}

// answerCodes are those worth trying at a place.
func answerCodes(at saga.FailurePoint) []int {
	if at.Phase == saga.Commit {
		return slices.Concat(AnswerCodes(saga.Transient), AnswerCodes(saga.Done))
	}
	return slices.Concat(AnswerCodes(saga.Transient), AnswerCodes(saga.Permanent))
}

// answerCode is the code of an answer that nobody chose: one that orchestrators
// with a list of codes tend to forget, another one for each place.
func answerCode(at saga.FailurePoint) int {
	switch {
	case at.Phase == saga.Commit && at.Direction == saga.Action:
		return http.StatusGatewayTimeout
	case at.Phase == saga.Commit:
		return http.StatusNoContent
	case at.Direction == saga.Action:
		return http.StatusBadGateway
	}
	return http.StatusRequestTimeout
}
