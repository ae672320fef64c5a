package history_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
)

const small = "profile keyed\nsaga s1\nstep charge\n0ms saga-accepted s1\n1ms call-sent s1 charge#1\n2ms call-ended s1 charge#1 0\n3ms settled\n4ms ledger-read bank\n"

// What cannot have happened is an error of the file, not a property of the system.
func TestImpossibleHistories(t *testing.T) {
	for what, c := range map[string]struct{ from, to, want string }{
		"an attempt that begins twice, with another key": {"2ms call-ended", "1ms call-sent s1 charge#1 key=other\n2ms call-ended", "line 6: attempt: 1 of s1/charge has its call-sent already in event 2"},
		"an attempt that ends twice":                     {"3ms settled", "2ms call-ended s1 charge#1 200\n3ms settled", "line 7: attempt: 1 of s1/charge has its call-ended already in event 3"},
		"a part of what is undone as a whole":            {"3ms settled", "2ms call-sent s1 charge.undo(2)#1\n3ms settled", `line 7: part: 2: saga "s1" has no such part of s1/charge.undo(2)`},
		"a part that nobody defined":                     {"step charge\n", "step charge parts=-\n2ms call-sent s1 charge.undo(2)#1\n", `line 4: part: 2: saga "s1" has no such part of s1/charge.undo(2)`},
		"what stays of what is not undone":               {"step charge\n", "step charge undo=- keeps=till-1EUR,charge+1EUR\n", "line 4: definitions[0]: steps[0].compensation: must be given where parts or keeps are"},
		"an unknown profile":                             {"profile keyed", "profile locked", `line 4: profile: "locked": expected one of naive, keyed, fenced`},
		"more attempts than a policy allows":             {"step charge\n", "step charge max=1001\n", "line 4: definitions[0]: steps[0].action.retry.max_attempts: 1001: expected 0 (until it succeeds) to 1000"},
		"an end that is none":                            {"3ms settled", "2ms saga-ended s1 gone\n3ms settled", `line 7: status: "gone": expected completed or compensated`},
	} {
		text := strings.Replace(small, c.from, c.to, 1)
		if _, err := history.ParseText(strings.NewReader(text)); err == nil || err.Error() != c.want {
			t.Errorf("%s: got error %v, want %s", what, err, c.want)
		}
	}
}

// An editor leaves a blank line at the end. One in the middle hides what was there.
func TestBlankLines(t *testing.T) {
	h, err := history.ParseText(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "\n", "\r\n", "  ", "\n\n \n"} {
		if got, err := history.Read(strings.NewReader(b.String() + end)); err != nil || len(got.Events) != len(h.Events) {
			t.Errorf("%q at the end: got error %v", end, err)
		}
	}
	lines := strings.SplitAfter(b.String(), "\n")
	lines[2] += "\n"
	if _, err := history.Read(strings.NewReader(strings.Join(lines, ""))); err == nil || err.Error() != "line 4: blank: expected an event, since more follow" {
		t.Errorf("in the middle: got error %v", err)
	}
}

func TestProfilesAreThoseOfParticipants(t *testing.T) {
	if len(history.Profiles) != len(participants.Profiles) {
		t.Fatalf("got %v, want %v", history.Profiles, participants.Profiles)
	}
	for i, p := range participants.Profiles {
		if history.Profiles[i] != string(p) {
			t.Errorf("got %q, want %q", history.Profiles[i], p)
		}
	}
}
