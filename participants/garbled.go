package participants

import (
	"fmt"
	"net/http"
	"time"

	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// insteadOf is what the hook's answer makes of the participant's own, to a call that had
// an effect.
func (a Answer) insteadOf(own Answer, did saga.Effect) Answer {
	if a.Garble == "" {
		return a
	}
	_, body := own.Content(time.Now())
	whole := garble.Answer{Body: body, Ref: own.Ref}
	for _, p := range did.Postings {
		whole.Amounts = append(whole.Amounts, max(p.Amount, -p.Amount))
	}
	other, ok := whole.Apply(a.Garble)
	if !ok {
		own.Amiss = fmt.Errorf("it can't be garbled as %s: there is nothing of that in %.200q", a.Garble, body)
		return own
	}
	said := Answer{Code: http.StatusOK, Garble: a.Garble, Body: other, Shown: string(other)}
	if own.Pending { // its code is all that says that it is not over: another one would be a success
		said.Code, said.Pending, said.Ref = own.Code, true, own.Ref
	}
	if !a.Garble.Silent() {
		said.Code, said.Header = own.Code, own.Header
	}
	return said
}
