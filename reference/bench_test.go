package reference

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// BenchmarkSagas runs sagas of three calls, 64 at a time, from submission to the
// reported end.
func BenchmarkSagas(b *testing.B) {
	p := &Participant{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Connection", "close")
	}))}
	defer p.Server.Close()
	e := OpenTest(b, Options{})
	var n atomic.Int64
	b.SetParallelism(32) // times 2 cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := fmt.Sprint("s", n.Add(1))
			SubmitTest(b, e, p.Define(id, "a compensatable", "b compensatable", "c pivot"))
			AwaitStatus(b, e, id, saga.Completed)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
}
