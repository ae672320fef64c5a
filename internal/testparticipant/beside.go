package testparticipant

import (
	"bytes"
	"fmt"
	"sync"
)

// Log is what an executor logs, and is read while it is written.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Policies is a file of policies: every action has so many attempts.
func Policies(attempts int) string {
	return fmt.Sprintf(`templates:
  all:
    retry: {max_attempts: %d, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 2000}
bindings:
  - template: all
`, attempts)
}
