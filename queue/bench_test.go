package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// BenchmarkCell is what the queue itself costs a cell, with as much to tell as one of a few
// sagas has: given away, taken, told and collected, with the server in the same process.
func BenchmarkCell(b *testing.B) {
	s, err := Serve("127.0.0.1:0", filepath.Join(b.TempDir(), "queue"))
	if err != nil {
		b.Fatal(err)
	}
	defer closeServer(b, s)
	connect := func() *Conn {
		c, err := Connect(context.Background(), Options{URL: s.URL(), Version: "v", Catalogue: "c"})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(c.Close)
		return c
	}
	c := connect()
	j, err := c.Open(b.Context(), Run{Name: "bench", Settings: json.RawMessage(`{}`)})
	if err != nil {
		b.Fatal(err)
	}
	w, err := connect().Join(b.Context(), j.run, "w")
	if err != nil {
		b.Fatal(err)
	}
	const chunk = 50
	body, work := bytes.Repeat([]byte("history "), 600), json.RawMessage(`{"plan":{}}`)
	b.ResetTimer()
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; n < b.N; n += chunk {
			c := Chunk{Number: n + 1}
			for k := n; k < min(n+chunk, b.N); k++ {
				c.Cells = append(c.Cells, Cell{ID: fmt.Sprintf("c-%d", k), Work: work})
			}
			if err := j.Put(b.Context(), c); err != nil {
				b.Error(err)
			}
		}
	})
	all.Go(func() {
		var tells sync.WaitGroup
		defer tells.Wait()
		places := make(chan struct{}, 8)
		for n := 0; n < b.N; {
			got, err := w.Take(b.Context())
			if err != nil {
				b.Error(err)
				return
			}
			for _, cell := range got.Cells {
				places <- struct{}{}
				tells.Go(func() {
					defer func() { <-places }()
					if err := w.Give(b.Context(), cell.ID, body); err != nil {
						b.Error(err)
					}
				})
			}
			n += len(got.Cells)
			got.Done()
		}
	})
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	n := 0
	j.Take(ctx, func(Result) {
		if n++; n == b.N {
			cancel()
		}
	})
	all.Wait()
	b.StopTimer()
	if err := j.Close(); err != nil || n != b.N {
		b.Errorf("%d of %d came: %v", n, b.N, err)
	}
}
