package campaign

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
)

// inTurns is how many cells of one kind run before those of the other: what else the
// machine does meets both.
const inTurns = 128

// BenchmarkOnlyOneSaga is cells of the example order service, where one process serves all
// and its calls name their saga, against cells where nothing does (saga: only) and several
// processes serve one saga at a time each, in turns. The ratio is how many times longer
// the latter take.
func BenchmarkOnlyOneSaga(b *testing.B) {
	dir := buildShop(b)
	named := shopWith(b, dir, "named.yaml", "")
	plain, err := os.ReadFile(named)
	if err != nil {
		b.Fatal(err)
	}
	only := filepath.Join(dir, "only.yaml")
	nameless := regexp.MustCompile(`(?m)^( +saga: ).*$`).ReplaceAll(plain, []byte("${1}only"))
	if err := os.WriteFile(only, nameless, 0o600); err != nil {
		b.Fatal(err)
	}
	var sessions []*session
	for _, file := range []string{named, only} {
		o := Defaults()
		o.Workflow = file
		sessions = append(sessions, openSession(b, o))
	}
	var took [2]time.Duration
	b.ResetTimer()
	for left := b.N; left > 0; left -= inTurns {
		for i, x := range sessions {
			plans := x.planned(x.flow.subject(), make([]faults.Plan, min(left, inTurns)))
			began := time.Now()
			err := x.harness.Run(b.Context(), x.cellsOf(slices.Values(plans)), func(r harness.Result) {
				if r.Err != nil {
					b.Error(r.Err)
				}
			})
			if err != nil {
				b.Fatal(err)
			}
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(float64(b.N)/took[0].Seconds(), "named-cells/s")
	b.ReportMetric(float64(b.N)/took[1].Seconds(), "only-cells/s")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
}
