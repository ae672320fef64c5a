package campaign

import (
	"sync"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// bounded is progress that may not say more than all.
type bounded struct {
	t           *testing.T
	what        string
	mu          sync.Mutex
	total, done int
	over        bool
}

func (b *bounded) SetTotal(total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total = total
}

func (b *bounded) Done(results.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done++; b.done > b.total {
		b.t.Errorf("%d of %d %s", b.done, b.total, b.what)
	}
}

func (b *bounded) Finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// Each finding is replayed as often as was asked for, which is a part of its own in the progress; none
// of the parts says more than all.
func TestFindingsAreReplayed(t *testing.T) {
	o := lostAnswer(t)
	o.Participants, o.Gate.Replays = "naive", 3
	var parts []*bounded
	host := Host{Progress: func(what string, total int) Progress {
		b := &bounded{t: t, what: what, total: total}
		parts = append(parts, b)
		return b
	}}
	done, err := Run(t.Context(), host, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != 2 || parts[1].what != "findings replayed" {
		t.Fatalf("%d parts", len(parts))
	}
	for _, p := range parts {
		if p.done != p.total || p.total != 1 || !p.over {
			t.Errorf("%d of %d %s, over: %v", p.done, p.total, p.what, p.over)
		}
	}
	found := done.Run.Gate.Findings
	if len(found) != 1 || found[0].Standing != results.Fresh || *found[0].Reproduced != (results.Rate{Hits: 3, Tries: 3}) || found[0].Flaky() {
		t.Errorf("got %+v", found)
	}
	if f := done.Run.Failures[0]; f.Reproduced == nil || f.Reproduced.Tries != 3 {
		t.Errorf("the failure has %+v", f.Reproduced)
	}
}
