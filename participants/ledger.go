package participants

import (
	"maps"

	"github.com/sagacheck/sagacheck/saga"
)

// ledger is the books of one participant. It is not safe for concurrent use; the
// world's mutex guards it.
type ledger struct {
	balances  map[string]int64 // by "account unit"
	registers map[string]string
}

func newLedger() *ledger {
	return &ledger{balances: map[string]int64{}, registers: map[string]string{}}
}

// apply books the effect and returns what really changed: the values that writes
// found are put in the place of those that were expected.
func (l *ledger) apply(e saga.Effect) saga.Effect {
	var did saga.Effect
	for _, p := range e.Postings {
		l.balances[p.Account+" "+p.Unit] += p.Amount
		did.Postings = append(did.Postings, p)
	}
	for _, w := range e.Writes {
		did.Writes = append(did.Writes, saga.Write{Register: w.Register, From: l.registers[w.Register], To: w.To})
		l.registers[w.Register] = w.To
	}
	return did
}

// conflict is the first write whose expected value is not the present one.
func (l *ledger) conflict(e saga.Effect) (w saga.Write, now string, found bool) {
	seen := map[string]string{}
	for _, w := range e.Writes {
		now, written := seen[w.Register]
		if !written {
			now = l.registers[w.Register]
		}
		if now != w.From {
			return w, now, true
		}
		seen[w.Register] = w.To
	}
	return saga.Write{}, "", false
}

func (l *ledger) snapshot() (balances map[string]int64, registers map[string]string) {
	return maps.Clone(l.balances), maps.Clone(l.registers)
}
