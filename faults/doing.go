package faults

import (
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// Doing gives a fault, of which all but the kind is said, the first kind of the catalogue
// that has its fields and does that. Who plans says what is to happen, and the catalogue
// knows whose name that is. It panics if no kind does.
func Doing(f Fault, does func(Injection) bool) Fault {
	return find(f, does, func(_ Kind, f Fault) Fault { return f })
}

// UsuallyDoing is Doing of a fault whose other fields have their usual values under the
// policy of the call that it strikes.
func UsuallyDoing(f Fault, p saga.RetryPolicy, does func(Injection) bool) Fault {
	return find(f, does, func(k Kind, f Fault) Fault { return k.Usual(f, p)[0] })
}

func find(f Fault, does func(Injection) bool, filled func(Kind, Fault) Fault) Fault {
	for _, k := range Kinds() {
		d := k.Doc()
		if d.Window() != f.At.IsZero() || !d.Window() && !slices.Contains(d.Phases, f.At.Phase) {
			continue
		}
		f.Kind = d.Name
		if g := filled(k, f); d.unused(g) == nil && does(k.Injection(g, 0)) {
			return g
		}
	}
	panic(fmt.Sprintf("no kind of fault does that: %+v", f))
}

// Bent asks whether the bytes on one way are bent so, and nothing else happens.
func Bent(how How) func(Injection) bool {
	return func(e Injection) bool { return e.Victim == "" && len(e.Bends) == 1 && e.Bends[0].How == how }
}

// Answers asks whether that code is answered in the participant's place.
func Answers(code int) func(Injection) bool {
	return func(e Injection) bool {
		return e.Answer != nil && !e.Answer.Hangup && e.Answer.Garble == "" && e.Answer.Code == code
	}
}

// Garbles asks whether the participant's answer is garbled so.
func Garbles(how garble.How) func(Injection) bool {
	return func(e Injection) bool { return e.Answer != nil && e.Answer.Garble == how }
}

// Silent tells whether what is on its way disappears, and nothing else happens.
func (e Injection) Silent() bool { return Bent(Swallowed)(e) }

// Kills tells whether the orchestrator is killed, and nothing else is asked of anybody.
func (e Injection) Kills() bool {
	return e.Victim == ProcessKilled && !e.Forgets && len(e.Acts) == 0
}

// ByCrash asks whether operators ask for something, with or without a crash that follows.
func ByCrash(crash bool) func(Injection) bool {
	return func(e Injection) bool { return len(e.Acts) > 0 && e.OnProcess() == crash }
}
