package models_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/models"
	"github.com/sagacheck/sagacheck/saga"
	"pgregory.net/rapid"
)

// operations draws inputs and outputs of one kind of partition; mostly such as a
// correct service would give, so that legal histories are not rare.
var operations = map[models.Kind]struct {
	spec models.Spec
	draw func(t *rapid.T) (input, output any)
}{
	models.AccountKind: {models.Account("a", "EUR"), func(t *rapid.T) (input, output any) {
		if rapid.IntRange(0, 3).Draw(t, "read") == 0 {
			return models.Balance{}, int64(rapid.IntRange(0, 4).Draw(t, "balance"))
		}
		return models.Add{Amount: int64(rapid.IntRange(0, 2).Draw(t, "amount"))}, nil
	}},
	models.RegisterKind: {models.Register("r", "0"), func(t *rapid.T) (input, output any) {
		value := rapid.SampledFrom([]string{"0", "1", "2"})
		if rapid.IntRange(0, 3).Draw(t, "read") == 0 {
			return models.Value{}, value.Draw(t, "value")
		}
		return models.Write{To: value.Draw(t, "to")}, value.Draw(t, "found")
	}},
	models.EndpointKind: {models.Endpoint(true), func(t *rapid.T) (input, output any) {
		op := saga.Operation{Direction: rapid.SampledFrom([]saga.Direction{saga.Action, saga.Compensation}).Draw(t, "direction")}
		return models.Request{Key: rapid.SampledFrom([]string{"", "j", "k"}).Draw(t, "key"), By: models.Delivery{Op: op}},
			models.Response{Code: rapid.SampledFrom([]int{0, 200, 201, 410}).Draw(t, "code"), Effect: rapid.Bool().Draw(t, "effect")}
	}},
	models.LifecycleKind: {models.Lifecycle("s", false), func(t *rapid.T) (input, output any) {
		if rapid.IntRange(0, 4).Draw(t, "accept") == 0 {
			return models.Accept{}, nil
		}
		return models.Report{}, rapid.SampledFrom([]saga.Status{"", saga.Running, saga.Compensating, saga.Completed, saga.Compensated}).Draw(t, "status")
	}},
}

// Group by group, and unknown outcomes only when they are needed: the verdict is
// that of porcupine on the whole partition, and the witness ends illegally.
func TestCheckAgreesWithPorcupine(t *testing.T) {
	for kind, k := range operations {
		t.Run(string(kind), func(t *testing.T) {
			seen := map[porcupine.CheckResult]int{}
			rapid.Check(t, func(t *rapid.T) {
				p := &models.Partition{Kind: kind, Name: "x", Spec: k.spec}
				var all []porcupine.Operation
				clock := int64(0)
				for i := range rapid.IntRange(1, 8).Draw(t, "operations") {
					clock += int64(rapid.IntRange(1, 4).Draw(t, "wait"))
					op := porcupine.Operation{Call: clock, Return: clock + int64(rapid.IntRange(0, 6).Draw(t, "lasts"))}
					if kind == models.LifecycleKind {
						op.Return = op.Call // reports are points
					}
					op.Metadata = []int{i}
					op.Input, op.Output = k.draw(t)
					if kind != models.LifecycleKind && !isRead(op.Input) && rapid.IntRange(0, 5).Draw(t, "unknown") == 0 {
						op.Output, op.Return = models.Unknown{}, math.MaxInt64
						p.Unknown = append(p.Unknown, op)
					} else {
						p.Ops = append(p.Ops, op)
					}
					all = append(all, op)
				}
				got := p.Check(models.DefaultLimits())
				if want := porcupine.CheckOperationsTimeout(k.spec.Model, all, time.Minute); got.Verdict != want {
					t.Fatalf("got %s (%s), porcupine says %s", got.Verdict, got.Broken, want)
				}
				seen[got.Verdict]++
				if got.Verdict == porcupine.Illegal && (got.Broken == "" || len(got.Witness) == 0) {
					t.Fatalf("illegal without a witness: %q %v", got.Broken, got.Witness)
				}
			})
			if seen[porcupine.Ok] == 0 || seen[porcupine.Illegal] == 0 {
				t.Errorf("the generator is one-sided: %v", seen)
			}
		})
	}
}

func isRead(input any) bool {
	switch input.(type) {
	case models.Balance, models.Value:
		return true
	}
	return false
}

// accounts is a legal history of n additions by 8 clients at once, on as many
// accounts as keep 100 additions each, and their last read.
func accounts(n int) []*models.Partition {
	parts := make([]*models.Partition, max(1, n/100))
	sums := make([]int64, len(parts))
	for i := range parts {
		name := fmt.Sprintf("a%d", i)
		parts[i] = &models.Partition{Kind: models.AccountKind, Name: name, Spec: models.Account(name, "EUR")}
	}
	for i := range n {
		a, amount := i%len(parts), int64(i%7-3)
		parts[a].Ops = append(parts[a].Ops, porcupine.Operation{Input: models.Add{Amount: amount}, Call: int64(i), Return: int64(i + 8*len(parts))})
		sums[a] += amount
	}
	for i, p := range parts {
		end := int64(n + 8*len(parts) + 1)
		p.Ops = append(p.Ops, porcupine.Operation{Input: models.Balance{}, Output: sums[i], Call: end, Return: end})
	}
	return parts
}

func BenchmarkAccounts(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		parts := accounts(n)
		b.Run(fmt.Sprintf("%dk", n/1000), func(b *testing.B) {
			for b.Loop() {
				for _, p := range parts {
					if r := p.Check(models.DefaultLimits()); r.Verdict != porcupine.Ok {
						b.Fatalf("%v: %s %s", p, r.Verdict, r.Reason)
					}
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}
