package garble

import "testing"

func TestApply(t *testing.T) {
	answer := Answer{
		Body: []byte(`{"id":"p-7","total":4200,"version":3,"links":{"self":"/payments/p-7"},"ok":true}`), Ref: "p-7", Amounts: []int64{4200},
	}
	for how, want := range map[How]string{
		Page:        page,
		Empty:       "",
		ErrorInside: failure,
		OtherID:     `{"id":"p-7-other","links":{"self":"/payments/p-7-other"},"ok":true,"total":4200,"version":3}`,
		OtherAmount: `{"id":"p-7","links":{"self":"/payments/p-7"},"ok":true,"total":4201,"version":3}`,
		Number:      `{"id":90000007,"links":{"self":90000007},"ok":true,"total":4200,"version":3}`,
		Text:        `{"id":"p-7","links":"{\"self\":\"/payments/p-7\"}","ok":true,"total":4200,"version":3}`,
	} {
		if got, ok := answer.Apply(how); !ok || string(got) != want {
			t.Errorf("%s: %s (%v), expected %s", how, got, ok, want)
		}
	}
}

// TestNothingToGarble: what is not in an answer can't be another in it.
func TestNothingToGarble(t *testing.T) {
	plain := Answer{Body: []byte(`{"status":"captured"}`), Ref: "p-7", Amounts: []int64{5}}
	for _, how := range []How{OtherID, OtherAmount, Number} {
		if got, ok := plain.Apply(how); ok {
			t.Errorf("%s: %s", how, got)
		}
	}
	if got, ok := plain.Apply(Text); !ok || string(got) != `"{\"status\":\"captured\"}"` {
		t.Errorf("an answer of texts alone: %s (%v)", got, ok)
	}
	for _, how := range []How{Empty, ErrorInside, Text} {
		if got, ok := (Answer{}).Apply(how); ok {
			t.Errorf("%s of an answer without a body: %q", how, got)
		}
	}
}
