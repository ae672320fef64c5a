package queue

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// alive is when each worker of a run was heard last. The consumer does not tell: what a worker had in
// hand that died counts as taken until another one asks.
type alive struct {
	listening *nats.Subscription

	mu    sync.Mutex
	heard map[string]time.Time // by worker
}

func (a *alive) listen(c *Conn, run string) (err error) {
	a.heard = map[string]time.Time{}
	a.listening, err = c.nats.Subscribe(aliveOf(run), func(m *nats.Msg) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.heard[m.Header.Get(workerHeader)] = time.Now()
	})
	return err
}

// within is how many were heard in that time.
func (a *alive) within(limit time.Duration) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	for worker, at := range a.heard {
		if time.Since(at) > limit {
			delete(a.heard, worker)
		}
	}
	return len(a.heard)
}

func (a *alive) end() error {
	if a.listening == nil || !a.listening.IsValid() {
		return nil
	}
	return a.listening.Unsubscribe()
}

// sayAlive lets whoever runs the run hear this worker.
func (w *Crew) sayAlive() {
	m := w.conn.message(aliveOf(w.run), nil)
	m.Header.Set(workerHeader, w.worker)
	_ = w.conn.nats.PublishMsg(m) // the next one is soon
}
