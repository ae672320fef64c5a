package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// truncate ends the connection after some bytes of the request or of the answer;
// header bytes count.
type truncate struct{}

var _ Kind = truncate{}

func (truncate) Doc() KindDoc {
	return KindDoc{
		Name: "truncate", Phases: []saga.Phase{saga.Request, saga.Response}, Fields: []string{"bytes"}, Transient: true,
		Text: "the connection ends after the given bytes of the request or of the answer, headers included. An answer that ends behind its status (12 bytes) may be taken for what that says, or for a broken connection",
	}
}

// shortestMessage is less than any request or answer of the stand-in services:
// a cut beyond the end would cut nothing.
const shortestMessage = 100

func (truncate) Validate(f Fault) error {
	if f.Bytes < 1 || f.Bytes > shortestMessage {
		return rangeError("bytes", f.Bytes, 1, shortestMessage)
	}
	return nil
}

// Injection is an early end.
func (truncate) Injection(f Fault, _ int) Injection { return bend(f, Ended, f.Bytes) }

// Usual is a cut within the head.
func (truncate) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.Bytes = 40
	return []Fault{f}
}

// Draw draws where it is cut.
func (truncate) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.Bytes = rapid.IntRange(1, shortestMessage).Draw(t, "bytes")
	return f
}

// Simpler is nothing of it.
func (truncate) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return []Fault{instead(f, f.At.Phase, p, Injection.Silent), instead(f, f.At.Phase, p, Bent(Reset))}
}
