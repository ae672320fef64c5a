package scenarios

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/internal/jsonvalue"
	"github.com/sagacheck/sagacheck/saga"
)

// TestBodiesSayTheirEffects in every spelling, and no common way to write JSON
// anew leaves the bytes as they are.
func TestBodiesSayTheirEffects(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`"\`, `\\"{,:}`, "<é>"}))
	rapid.Check(t, func(t *rapid.T) {
		e := saga.Effect{
			Postings: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) saga.Posting {
				return saga.Posting{Account: text.Draw(t, "account"), Amount: rapid.Int64().Draw(t, "amount"), Unit: text.Draw(t, "unit")}
			}), 0, 3).Draw(t, "postings"),
			Writes: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) saga.Write {
				return saga.Write{Register: text.Draw(t, "register"), From: text.Draw(t, "from"), To: text.Draw(t, "to")}
			}), 0, 3).Draw(t, "writes"),
		}
		for i := range 3 {
			for _, d := range []saga.Direction{saga.Action, saga.Compensation} {
				b := body(e, i, d)
				got, err := saga.Call{Body: b}.Effect()
				if err != nil || !got.Equal(e) {
					t.Fatalf("%s: says %v, %v, want %v", b, got, err, e)
				}
				var v any
				if err := json.Unmarshal(b, &v); err != nil {
					t.Fatal(err)
				}
				again, err := json.Marshal(v)
				if err != nil || bytes.Equal(again, b) {
					t.Errorf("%s: is the same when written anew, %v", b, err)
				}
			}
		}
	})
}

func TestSpacedIsTheSameValue(t *testing.T) {
	in := []byte(`{"a{,:}\"":[1,{"b\\":":"}],"c":{}}`)
	out := spaced(in)
	if !jsonvalue.Equal(in, out) || len(out) < len(in)+10 {
		t.Errorf("%s", out)
	}
}

// TestNotesTellWhatIsLost: a float64 does not hold the numbers of a body, so that
// a JSON reader that makes one of each changes what the body says.
func TestNotesTellWhatIsLost(t *testing.T) {
	for i, s := range spellings {
		var v any
		if err := json.Unmarshal([]byte(s.note), &v); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if lost := bytes.Contains([]byte(s.note), []byte("9007199254740993")); jsonvalue.Equal(again, []byte(s.note)) == lost {
			t.Errorf("spelling %d: lost %v: %s became %s", i, !lost, s.note, again)
		}
	}
}
