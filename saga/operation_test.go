package saga

import (
	"strings"
	"testing"
)

// TestFailurePoints: what is written reads back, and what is none says what was expected.
func TestFailurePoints(t *testing.T) {
	for text, want := range map[string]FailurePoint{
		"charge#2@response":                 {Step: "charge", Direction: Action, Attempt: 2, Phase: Response},
		"charge(2)#1@receive":               {Step: "charge(2)", Direction: Action, Attempt: 1, Phase: Receive},
		"charge.undo#1@commit":              {Step: "charge", Direction: Compensation, Attempt: 1, Phase: Commit},
		"charge.undo(3)#2@request":          {Step: "charge", Direction: Compensation, Part: 3, Attempt: 2, Phase: Request},
		"charge.undo(2).callback#1@request": {Step: Callback("charge"), Direction: Compensation, Part: 2, Attempt: 1, Phase: Request},
		"charge.callback#3@response":        {Step: Callback("charge"), Direction: Action, Attempt: 3, Phase: Response},
		"charge(2).undo(12)#1@connect":      {Step: "charge(2)", Direction: Compensation, Part: 12, Attempt: 1, Phase: Connect},
	} {
		got, err := ParseFailurePoint(text)
		if err != nil || got != want || got.String() != text || CutRef(got.Ref().String()) != got.Ref() {
			t.Errorf("%s: %+v, which is %s (%v), expected %+v", text, got, got, err, want)
		}
	}
	if p, err := ParseFailurePoint("charge.undo(1)#1@commit"); err != nil || p.String() != "charge.undo#1@commit" {
		t.Errorf("the first part has no number: %s (%v)", p, err)
	}
	for _, text := range []string{"charge.undo(0)#1@commit", "charge.undo(2#1@commit", "charge.undo()#1@commit", "charge.undo.undo#1@commit", "charge.callback.undo#1@request", "charge.undo(2)@commit", "charge#1"} {
		if _, err := ParseFailurePoint(text); err == nil || !strings.Contains(err.Error(), "expected step[.undo][.callback]#attempt@phase") {
			t.Errorf("%s: got error %v", text, err)
		}
	}
}

// TestParts: the parts of a compensation are operations of one step, with calls of their own.
func TestParts(t *testing.T) {
	undo := Operation{Saga: "s", Step: "charge", Direction: Compensation, Part: 2}
	if got := undo.String() + " " + undo.Inverse().String() + " " + undo.Inverse().Inverse().String(); got != "s/charge.undo(2) s/charge s/charge.undo" {
		t.Error(got)
	}
	d := Definition{Steps: []Step{{Name: "charge", Compensation: &Call{URL: "first"}, Parts: []Call{{URL: "second"}}}, {Name: "ship", Compensation: &Call{}}}}
	for text, want := range map[string]string{"charge.undo": "first", "charge.undo(2)": "second", "charge.undo(3)": "first"} {
		if c, ok := d.Call(CutRef(text)); !ok || c.URL != want {
			t.Errorf("%s is %q (%v), expected %q", text, c.URL, ok, want)
		}
	}
	if _, ok := d.Call(CutRef("ship.undo(2)")); ok {
		t.Error("ship is undone as a whole, and has a second part")
	}
}
