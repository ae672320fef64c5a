package telemetry

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference"
)

// BenchmarkSagas runs sagas of three calls, 64 at a time: without anybody who observes,
// with metrics, and with traces too. A store with that many sagas is then counted anew.
func BenchmarkSagas(b *testing.B) {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	for _, with := range []string{"nobody", "metrics", "traces"} {
		b.Run(with, func(b *testing.B) {
			o := reference.Options{StoreDSN: filepath.Join(b.TempDir(), "s.db") + "?synchronous=off"}
			w := &world{Server: httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				rw.Header().Set("Connection", "close")
			}))}
			defer w.Server.Close()
			observe := func() {
				if with == "nobody" {
					return
				}
				var to Options
				if with == "traces" {
					to.OTLP = collector.URL
				}
				t, err := New(to)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = t.Close(b.Context()) })
				o.Observer = t
			}
			observe()
			e, err := reference.Open(b.Context(), o)
			if err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := fmt.Sprint("s", n.Add(1))
					if err := e.Submit(b.Context(), w.define(id)); err != nil {
						b.Error(err)
						return
					}
					for r, err := e.Status(id); err == nil && !r.Status.Ended(); r, err = e.Status(id) {
						time.Sleep(time.Millisecond)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
			_ = e.Close()
			observe()
			began := time.Now()
			if e, err = reference.Open(b.Context(), o); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(n.Load())/time.Since(began).Seconds(), "opened/s")
			_ = e.Close()
		})
	}
}
