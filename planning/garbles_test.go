package planning

import (
	"slices"
	"testing"
)

// TestGarbles: an answer is garbled as far as it has in it what is to be another, that of a
// compensation only where all of it is another.
func TestGarbles(t *testing.T) {
	h := parsed(t, `workflow shop
capabilities -
saga s1
step charge
step ship
step thank

0ms saga-accepted s1
1ms call-sent s1 charge#1 request="{}"
1ms call-received s1 charge#1
1ms call-committed s1 charge#1 ref=p-1
1ms call-answered s1 charge#1 201 reply="{\"id\":\"p-1\",\"status\":\"captured\"}"
2ms call-ended s1 charge#1 201
3ms call-sent s1 ship#1 request="{}"
3ms call-received s1 ship#1
3ms call-ended s1 ship#1 503
3ms call-sent s1 thank#1 request="{}"
3ms call-received s1 thank#1
3ms call-committed s1 thank#1 ref=t-1
3ms call-answered s1 thank#1 204 reply="{}"
3ms call-ended s1 thank#1 204
4ms call-sent s1 charge.undo#1 request="{}"
4ms call-received s1 charge.undo#1
4ms call-committed s1 charge.undo#1 ref=p-2 of=p-1
4ms call-answered s1 charge.undo#1 200 reply="{\"id\":\"p-2\"}"
5ms call-ended s1 charge.undo#1 200
`)
	calm := Journey{Trace: NewTrace(h)}
	var got []string
	for _, p := range AtPoints(h.Header.Definitions[0], []Journey{calm}, Ability{}) {
		if f := p.Faults[0]; f.As != "" {
			got = append(got, f.String())
		}
	}
	want := []string{
		"corrupt empty charge#1@commit", "corrupt error-inside charge#1@commit", "corrupt id charge#1@commit",
		"wrong-type number charge#1@commit", "wrong-type text charge#1@commit",
		"corrupt empty charge.undo#1@commit", "corrupt error-inside charge.undo#1@commit",
	}
	if !slices.Equal(got, want) {
		t.Errorf("planned %q, expected %q", got, want)
	}
	page := Unreadable([]Journey{calm})
	if len(page) != 2 || page[0].String() != "corrupt charge#1@commit" {
		t.Errorf("unreadable: %v", page)
	}
	behind := RefusedBehind([]Journey{calm, {Plan: page[0], Trace: calm.Trace}})
	if len(behind) != 1 || behind[0].Faults[1].Kind != "reject" {
		t.Fatalf("%v, expected one refusal behind the page", behind)
	}
	for _, p := range append(page, behind...) {
		if err := p.Validate(); err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
}
