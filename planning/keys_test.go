package planning

import (
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Keys are forgotten only at services that forget them, and only by who was away for as
// long as they live there.
func TestKeysAreForgottenByAnAbsenceOnly(t *testing.T) {
	d := chain("s", "reserve", "charge")
	forgotten := func(a Ability, at string, phase saga.Phase) (fs []faults.Fault) {
		v := Visit{At: point(at, 1, phase)}
		for _, f := range variantsAt(v, d, a) {
			if f.Kind == "forget-keys" {
				fs = append(fs, f)
			}
		}
		return fs
	}
	able := Ability{Process: true, Keys: map[string]time.Duration{"charge": 200 * time.Millisecond}}
	for _, phase := range []saga.Phase{saga.Commit, saga.Response} {
		for _, step := range []string{"charge", saga.Instance("charge", 2)} {
			fs := forgotten(able, step, phase)
			if len(fs) != 1 || fs[0].DelayMS < 200 || fs[0].Validate() != nil {
				t.Errorf("%s@%s: %v, expected one absence of more than 200 ms", step, phase, fs)
			}
		}
		if fs := forgotten(able, "reserve", phase); len(fs) > 0 {
			t.Errorf("reserve@%s: %v, but its service remembers keys for ever", phase, fs)
		}
	}
	for _, a := range []Ability{{Process: true}, {Keys: able.Keys}} {
		if fs := forgotten(a, "charge", saga.Commit); len(fs) > 0 {
			t.Errorf("with %+v: %v", a, fs)
		}
	}
}
