package defects

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/reference/telemetry"
	"github.com/sagacheck/sagacheck/saga"
)

// equivalents change the behaviour and break nothing.
var equivalents = []Defect{
	{
		Name: "other-span-names", Equivalent: true, Needs: "a crash",
		Description: "spans have other names and kinds, and are said to be of another life",
		lie:         otherSpanNames,
	},
	{
		Name: "sequential-branches", Equivalent: true, Needs: "steps side by side",
		Description: "independent steps run one after the other",
		lay:         sequentialBranches,
	},
	{
		Name: "compensate-one-at-a-time", Equivalent: true, Needs: "a rollback of steps side by side",
		Description: "independent compensations run one after the other",
		lay:         compensateOneAtATime,
	},
	{
		Name: "flags-hold-more", Equivalent: true, Needs: "a process of its own under a flag",
		Description: "a flag that holds some attempts back holds all of them",
		lay:         flagsHoldMore,
	},
	{
		Name: "twice-the-margin", Equivalent: true, Needs: "an action that runs out of attempts, and of which nobody knows what became of it",
		Description: "before an action of unknown outcome is undone its time-out is waited for twice",
		lay:         twiceTheMargin,
	},
	{
		Name: "tight-budgets", Equivalent: true, Needs: "more transient errors at once than the retry budget allows retries",
		Description: "a retry budget brings half of its tokens a second, and holds one at the most",
		lay:         tightBudgets,
	},
	{
		Name: "narrow-jitter", Equivalent: true, Needs: "a transient error",
		Description: "waits are drawn from the inner four fifths of their band",
		lay:         narrowJitter,
	},
	{
		Name: "commit-one-by-one", Equivalent: true, Needs: anywhere,
		Description: "every entry has a commit of its own",
		lay:         commitOneByOne,
	},
	{
		Name: "extra-checkpoints", Equivalent: true, Needs: anywhere,
		Description: "every entry of the journal is followed by an empty one",
		lay:         extraCheckpoints,
	},
	{
		Name: "intents-apart", Equivalent: true, Needs: anywhere,
		Description: "the intent of a first attempt has a commit of its own",
		lay:         intentsApart,
	},
	{
		Name: "hashed-keys", Equivalent: true, Needs: anywhere,
		Description: "keys are hashes, which tell nothing and are as stable",
		lay:         hashedKeys,
	},
	{
		Name: "unhurried-start", Equivalent: true, Needs: anywhere,
		Description: "each operation waits a few milliseconds before its first attempt",
		lay:         unhurriedStart,
	},
}

func sequentialBranches(r *reference.Rules) { oneAtATime(r, saga.Action) }

func compensateOneAtATime(r *reference.Rules) { oneAtATime(r, saga.Compensation) }

// oneAtATime starts no operation of a direction while another one is under way in the
// normal course.
func oneAtATime(r *reference.Rules, dir saga.Direction) {
	was := r.Starts
	r.Starts = func(s *state) []reference.Ref {
		refs := was(s)
		counts := func(ref reference.Ref) bool { return ref.Dir == dir && !s.Op(ref).Exhausted }
		at := slices.IndexFunc(refs, func(ref reference.Ref) bool { return counts(ref) && s.Op(ref).Attempts > 0 })
		if at < 0 {
			at = slices.IndexFunc(refs, counts)
		}
		if at < 0 {
			return refs
		}
		one := refs[at]
		return slices.DeleteFunc(refs, func(ref reference.Ref) bool { return counts(ref) && ref != one })
	}
}

func narrowJitter(r *reference.Rules) {
	was := r.Draw
	r.Draw = func(n int) float64 { return 0.1 + 0.8*was(n) }
}

func commitOneByOne(r *reference.Rules) { r.Group = 1 }

func extraCheckpoints(r *reference.Rules) {
	was := r.Entries
	r.Entries = func(id string, after int, records []reference.Record) (entries [][]reference.Record) {
		for _, e := range was(id, after, records) {
			entries = append(entries, e, nil)
		}
		return entries
	}
}

func intentsApart(r *reference.Rules) { r.IntentAtOnce = false }

func hashedKeys(r *reference.Rules) {
	overKey(r, func(_ op, _ int, key string) string {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:16])
	})
}

func tightBudgets(r *reference.Rules) {
	r.RetryBudget = changed(r.RetryBudget, func(_ op, b *saga.RetryBudget) { b.MinPerSecond, b.Burst = b.MinPerSecond/2, 1 })
}

func unhurriedStart(r *reference.Rules) { beginsLate(r, 5*time.Millisecond) }

func flagsHoldMore(r *reference.Rules) {
	overHolds(r, func(flag policies.Flag, _ op, _ int, _ bool) bool { return flag.Name != policies.NoNewSagas })
}

func otherSpanNames(r *telemetry.Rules) {
	overSpan(r, func(s *telemetry.Span) bool {
		s.Name, s.Call, s.Again = "work", !s.Call, !s.Again
		return true
	})
}
