package campaign

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
)

// BenchmarkWorkers is how many cells of drawn plans, kills among them, one process (0) and so many workers on the
// same machine run a second; the start of everything counts.
func BenchmarkWorkers(b *testing.B) {
	for _, workers := range []int{0, 1, 2, 4} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			for b.Loop() {
				o := RunOptions{Settings: Defaults(), Runs: 500, Workers: Workers{Local: workers}}
				o.Scenarios, o.Out = []string{"single-step"}, b.TempDir()
				done, err := Run(b.Context(), testHost(), o)
				if err != nil {
					b.Fatal(err)
				}
				if done.Run.Totals.Cells != o.Runs {
					b.Fatalf("%+v", done.Run.Totals)
				}
			}
			b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
		})
	}
}

// BenchmarkTravel is what it costs to write, read and store what became of a cell, where one process
// stores it only (BenchmarkTravel/stored).
func BenchmarkTravel(b *testing.B) {
	o := lostAnswer(b)
	o.Scenarios = []string{"order"}
	x, err := open(b.Context(), testHost(), o.Settings, "bench", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := x.close(); err != nil {
			b.Error(err)
		}
	}()
	r := x.harness.RunCell(b.Context(), x.cell(x.subjects()[0], faults.Plan{}, 1))
	if r.Err != nil {
		b.Fatal(r.Err)
	}
	b.Run("stored", func(b *testing.B) {
		for b.Loop() {
			if err := r.History.Save(filepath.Join(o.Out, "cell"+history.Extension)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("told", func(b *testing.B) { benchmarkTold(b, r, o.Out) })
}

func benchmarkTold(b *testing.B, r harness.Result, dir string) {
	size := 0
	for b.Loop() {
		body, err := pack([]harness.Result{r}, harness.Late{})
		if err != nil {
			b.Fatal(err)
		}
		size = len(body)
		if _, _, err := unpack(body, r.Cell, dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size), "bytes")
}
