package defects

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/reference"
)

// repairDefects repair what drifted otherwise than the record proves.
var repairDefects = []Defect{
	{
		Name: "repair-twice", Anomaly: "wrong-repair", Needs: "a step that was undone, and is there again",
		Description: "a repair that was answered as done is made again",
		lay:         repairTwice,
	},
	{
		Name: "repair-of-what-is-missing", Anomaly: "wrong-repair", Needs: "drift of a saga that has ended",
		Description: "whatever differs from the record is undone",
		lay:         repairOfWhatIsMissing,
	},
	{
		Name: "repair-under-new-key", Anomaly: "wrong-repair", Needs: "a step that was undone, and is there again",
		Description: "a repair has a key of its own",
		lay:         repairUnderNewKey,
	},
	{
		Name: "repair-in-words", Anomaly: "wrong-repair", Needs: "a step that was undone, and is there again",
		Description: "a repair is written down as done, and nobody is called",
		lay:         repairInWords,
	},
	{
		Name: "repair-again-after-restart", Anomaly: "wrong-repair", Needs: "a step that was undone, and is there again, and a crash in its repair",
		Description: "of what an earlier life of the process found to differ, a repair that was answered as done is made again",
		lay:         repairAgainAfterRestart,
	},
}

// overRepairs lays another function over which differences are repaired.
func overRepairs(r *reference.Rules, f func(s *state, step int, repairs bool) bool) {
	was := r.Drift.Repairs
	r.Drift.Repairs = func(s *state, step int) bool { return f(s, step, was(s, step)) }
}

func repairTwice(r *reference.Rules) {
	overRepairs(r, func(s *state, step int, repairs bool) bool {
		d, ok := s.Differing(step)
		return repairs || ok && d.What == reference.DriftStill && d.Repair.State == reference.RepairAnswered && d.Repair.Attempts < 3
	})
}

func repairAgainAfterRestart(r *reference.Rules) {
	began := time.Now()
	overRepairs(r, func(s *state, step int, repairs bool) bool {
		d, ok := s.Differing(step)
		return repairs || ok && d.Found.Before(began) && d.What == reference.DriftStill && d.Repair.State == reference.RepairAnswered && d.Repair.Attempts < 4
	})
}

func repairOfWhatIsMissing(r *reference.Rules) {
	overRepairs(r, func(s *state, step int, repairs bool) bool {
		d, ok := s.Differing(step)
		return repairs || ok && s.Status().Over() && d.Repair.Attempts == 0
	})
}

// repaired are the steps that are being repaired, by saga.
func repaired(r *reference.Rules) func(o op) bool {
	type step struct {
		saga string
		n    int
	}
	var all sync.Map
	overRepairs(r, func(s *state, n int, repairs bool) bool {
		if repairs {
			all.Store(step{s.Def.ID, n}, true)
		}
		return repairs
	})
	return func(o op) bool {
		_, yes := all.Load(step{o.Saga.ID, o.Step})
		return yes && isUndo(o)
	}
}

func repairUnderNewKey(r *reference.Rules) {
	is := repaired(r)
	overKey(r, func(o op, _ int, key string) string {
		if is(o) {
			return key + "/repair"
		}
		return key
	})
}

func repairInWords(r *reference.Rules) {
	is := repaired(r)
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		if is(a.Op) {
			return answer{Code: http.StatusOK, At: time.Now()}
		}
		return send(ctx, a)
	})
}
