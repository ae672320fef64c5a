package results_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

func point(t *testing.T, r *results.Run, at string) results.Point {
	t.Helper()
	if len(r.Maps) != 1 {
		t.Fatalf("%d maps", len(r.Maps))
	}
	i := slices.IndexFunc(r.Maps[0].Points, func(p results.Point) bool { return p.At.String() == at })
	if i < 0 {
		return results.Point{}
	}
	return r.Maps[0].Points[i]
}

// A map tells which points were reached, struck, and struck where something broke.
func TestMap(t *testing.T) {
	c := results.New(samples.Meta())
	h := samples.LostAnswer()
	c.Add(results.CellInfo{ID: "c1"}, h, []checkers.Verdict{samples.Duplicate(h)})
	c.Add(results.CellInfo{ID: "c2"}, h, []checkers.Verdict{samples.Pass("duplicate-effect", 1)})
	c.Add(results.CellInfo{ID: "c3"}, samples.Unfired(samples.LostAnswer()), []checkers.Verdict{samples.Pass("duplicate-effect", 1)})
	r := c.Finish()
	for at, want := range map[string]results.Point{
		"charge#1@response":     {Reached: 3, Struck: 2, Broke: 1},
		"charge#2@connect":      {Reached: 3},
		"ship#1@receive":        {Reached: 3},
		"ship#1@commit":         {}, // it had no effect
		"charge.undo#1@connect": {},
	} {
		got := point(t, r, at)
		if got.Reached != want.Reached || got.Struck != want.Struck || got.Broke != want.Broke {
			t.Errorf("%s: got %+v, want %+v", at, got, want)
		}
	}
	if s := r.Maps[0].Steps; len(s) != 3 || s[1].Name != "charge" || !slices.Equal(s[1].After, []string{"reserve"}) {
		t.Errorf("steps %+v", s)
	}
}

// What the client sends, and what services tell later, is on the map; what happens inside the orchestrator is not.
func TestMapOfCallsToTheOrchestrator(t *testing.T) {
	h, err := history.ParseText(strings.NewReader(`scenario order
saga s1
step pay
0ms saga-submitted s1
1ms saga-submitted s1
2ms saga-accepted s1
3ms call-sent s1 pay#1
4ms call-answered s1 pay#1 202 pending
5ms call-back s1 pay#1 told=p-1
6ms call-back s1 pay#2 200 told=p-1 passed=6ms
7ms settled
`))
	if err != nil {
		t.Fatal(err)
	}
	c := results.New(samples.Meta())
	c.Add(results.CellInfo{}, h, nil)
	r := c.Finish()
	var got []string
	for _, p := range r.Maps[0].Points {
		if saga.Inbound(p.At.Step) {
			got = append(got, p.At.String())
		}
	}
	want := "pay.callback#1@request pay.callback#2@request pay.callback#2@response submit#1@connect submit#1@request submit#2@connect submit#2@request submit#2@response"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// Those of shards are joined.
func TestMapsOfShards(t *testing.T) {
	var shards []*results.Run
	for i := 1; i <= 2; i++ {
		m := samples.Meta()
		m.Shard = &results.Shard{I: i, N: 2}
		c := results.New(m)
		h := samples.LostAnswer()
		c.Add(results.CellInfo{ID: "c1"}, h, []checkers.Verdict{samples.Duplicate(h)})
		shards = append(shards, c.Finish())
	}
	r, err := results.Merge(shards)
	if err != nil {
		t.Fatal(err)
	}
	if p := point(t, r, "charge#1@response"); p.Reached != 2 || p.Struck != 2 || p.Broke != 2 {
		t.Errorf("got %+v", p)
	}
}

// A cell that could not be judged shows nothing of the point that it struck.
func TestMapOfWhatIsOpen(t *testing.T) {
	c := results.New(samples.Meta())
	h := samples.LostAnswer()
	c.Add(results.CellInfo{ID: "c1"}, h, []checkers.Verdict{{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "who knows"}})
	if got := point(t, c.Finish(), "charge#1@response"); got.Struck != 1 || got.Open != 1 || got.Broke != 0 {
		t.Errorf("got %+v", got)
	}
}
