package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// policyOf is the retry policy of the call that a point lies on.
func policyOf(d saga.Definition, at saga.FailurePoint) saga.RetryPolicy {
	if c, ok := d.Call(at.Ref()); ok {
		return c.Retry
	}
	return saga.SubmitPolicy
}

// placeable lists the kinds that can strike at a visited point.
func placeable(v Visit, a Ability) []faults.KindDoc {
	var docs []faults.KindDoc
	at := v.At
	for _, k := range faults.Kinds() {
		d := k.Doc()
		inside := saga.Inbound(at.Step) && (at.Phase == saga.Receive || at.Phase == saga.Commit || d.WithBody)
		does := k.Injection(faults.Fault{At: at}, 0)
		decides := does.Decides
		if does.Copied && (v.Read || a.Once && at.Step == saga.SubmitStep) || does.Decides && v.Read {
			continue // a second question changes nothing, and no rule of a business refuses one
		}
		if d.Keys && a.Forgets(at.Step) == 0 || at.Phase == saga.Connect && !a.refusable(at.Step) ||
			v.Real && at.Phase == saga.Receive && !d.Answers {
			continue
		}
		if (a.Allows(d) || a.explores(d)) && slices.Contains(d.Phases, at.Phase) && !inside && !(decides && v.Known) {
			docs = append(docs, d)
		}
	}
	return docs
}

// variantsAt are all faults that an explorer tries at a visited point: every kind
// that can strike there, with the values of its fields that matter: a delay within
// the attempt's time-out and one past it, a second copy at once and one that comes
// late.
func variantsAt(v Visit, d saga.Definition, a Ability) []faults.Fault {
	policy := policyOf(d, v.At)
	var fs []faults.Fault
	for _, k := range placeable(v, a) {
		f := faults.Fault{Kind: k.Name, Saga: v.Saga, At: v.At}
		usual := faults.KindOf(f).Usual(f, policy)
		if k.Keys {
			usual[0].DelayMS = int(a.Forgets(v.At.Step).Milliseconds()) + 1
		}
		if k.Operates {
			usual = slices.DeleteFunc(usual, func(f faults.Fault) bool { return !a.Operable(f) })
		}
		fs = append(fs, usual...)
	}
	return append(fs, faults.Garbled(v.At, v.Saga, v.Garbles)...)
}

// windowLasts is long enough for a bounded number of retries to run out, and for waits that
// grow and breakers that open to be seen.
var windowLasts = []int{150, 600}

// windowVariants are the windows that an explorer tries: each kind over all steps,
// and over each step alone.
func windowVariants(d saga.Definition, a Ability) []faults.Fault {
	var fs []faults.Fault
	for _, k := range faults.Kinds() {
		doc := k.Doc()
		if !doc.Window() || !a.Allows(doc) {
			continue
		}
		all := windowOf(d, doc.Name)
		fs = append(fs, all)
		if !slices.Contains(doc.Fields, "steps") || len(d.Steps) == 1 {
			continue
		}
		for _, s := range d.Steps {
			for _, ms := range windowLasts {
				f := all
				f.Steps, f.ForMS = []string{s.Name}, ms
				fs = append(fs, f)
			}
		}
	}
	return fs
}
