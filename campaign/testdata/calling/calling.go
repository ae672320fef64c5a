// Package calling is how the programs call, and keep their orders, that tests of workflows have.
package calling

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// Patience is how long one call may take.
const Patience = 250 * time.Millisecond

// Call makes one call; 0: no whole answer came.
func Call(method, url, key string, body any) (code int, said map[string]string) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer answer.Body.Close()
	whole, err := io.ReadAll(answer.Body)
	if err != nil || json.Unmarshal(whole, &said) != nil && answer.StatusCode < 300 {
		return 0, nil
	}
	return answer.StatusCode, said
}
