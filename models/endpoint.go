package models

import (
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/saga"
)

// Request is the input of a delivery to an idempotent endpoint: one step of one
// saga in both directions.
type Request struct {
	Key string
	By  Delivery
}

// Response is the output of a delivery: the HTTP status (0: none was given), and
// whether the delivery had an effect. A delivery of which nobody knows has the
// output Unknown.
type Response struct {
	Code   int
	Effect bool
	// Repeat: the service has said that it was done before, as its file says that it does.
	Repeat bool
}

// endpointState is what an endpoint remembers: the keys of each direction that
// have had their effect, the code that each direction was acknowledged with, and
// whether a compensation was accepted.
type endpointState struct {
	done      [2]string // keys, each closed by a zero byte; "\x00" for a call without one
	code      [2]int
	tombstone bool
}

// Endpoint specifies a protected endpoint. A key has one effect and is always
// acknowledged alike, but by a service that says that it was done before; nothing is acknowledged that was not done; a compensation
// without its action is acknowledged and changes nothing. Fenced: no action has
// an effect once a compensation was accepted. Answers other than 2xx promise
// nothing, since a fault may have made them.
func Endpoint(fenced bool) Spec {
	e := endpoint{fenced}
	return Spec{
		Model: porcupine.Model{
			Init: func() any { return endpointState{} },
			Step: func(state, input, output any) (bool, any) {
				req, st := input.(Request), state.(endpointState)
				res, known := output.(Response)
				if !known {
					if guess := (Response{Effect: true}); e.broken(st, req, guess) == "" {
						return true, e.next(st, req, guess)
					}
					return true, st
				}
				if e.broken(st, req, res) != "" {
					return false, st
				}
				return true, e.next(st, req, res)
			},
			DescribeOperation: func(input, output any) string {
				req := input.(Request)
				res, known := output.(Response)
				if !known {
					return fmt.Sprintf("%v key %q%s", req.By, req.Key, maybe(output))
				}
				return fmt.Sprintf("%v key %q: %s", req.By, req.Key, res)
			},
			DescribeState: func(state any) string { return state.(endpointState).String() },
		},
		Why: func(state, input, output any) string {
			req, res := input.(Request), output.(Response)
			return fmt.Sprintf("broke the idempotent endpoint: %v %s", req.By, e.broken(state.(endpointState), req, res))
		},
		explain: drop,
	}
}

type endpoint struct{ fenced bool }

func slot(d saga.Direction) int {
	if d == saga.Compensation {
		return 1
	}
	return 0
}

// broken is the rule that the response breaks, empty if none.
func (e endpoint) broken(st endpointState, req Request, res Response) string {
	d := slot(req.By.Op.Direction)
	switch {
	case res.Effect && req.Key != "" && st.has(d, req.Key):
		return fmt.Sprintf("had a second effect under the key %q", req.Key)
	case res.Effect && d == 1 && st.done[0] == "":
		return "had an effect although its action had none"
	case res.Effect && d == 0 && st.tombstone && e.fenced:
		return "had its effect after the compensation had been accepted"
	}
	if res.Code < 200 || res.Code > 299 {
		return ""
	}
	nullUndo := d == 1 && st.done[0] == ""
	switch {
	case !res.Effect && st.done[d] == "" && !nullUndo:
		return fmt.Sprintf("was acknowledged with %d but never had an effect", res.Code)
	case st.code[d] != 0 && st.code[d] != res.Code && !res.Repeat:
		return fmt.Sprintf("was acknowledged with %d, before with %d", res.Code, st.code[d])
	}
	return ""
}

// next is the state after a legal response.
func (e endpoint) next(st endpointState, req Request, res Response) endpointState {
	d := slot(req.By.Op.Direction)
	acknowledged := res.Code >= 200 && res.Code <= 299
	if res.Effect && (req.Key == "" && st.done[d] == "" || !st.has(d, req.Key)) {
		st.done[d] += req.Key + "\x00"
	}
	if acknowledged && !res.Repeat {
		st.code[d] = res.Code
	}
	if d == 1 && (res.Effect || acknowledged) {
		st.tombstone = true
	}
	return st
}

func (st endpointState) has(d int, key string) bool {
	return strings.Contains("\x00"+st.done[d], "\x00"+key+"\x00")
}

func (st endpointState) String() string {
	words := []string{"action not done", "action done"}
	s := words[min(strings.Count(st.done[0], "\x00"), 1)]
	if st.done[1] != "" {
		s += ", compensation done"
	}
	if st.tombstone {
		s += ", compensation accepted"
	}
	return s
}

func (r Response) String() string {
	s := "no answer"
	if r.Code != 0 {
		s = fmt.Sprint(r.Code)
	}
	if r.Effect {
		s += ", effect"
	}
	return s
}
