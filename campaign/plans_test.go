package campaign

import (
	"fmt"
	"slices"
	"testing"
)

// The shards of a run have each of its plans once, and those that are drawn are the same
// ones whenever they are asked for.
func TestPartsOfPlans(t *testing.T) {
	s := Defaults()
	s.Scenarios = []string{"order", "seat"}
	x := openSession(t, s)
	whole := x.plans(nil, true, 50)
	name := func(p planned) string { return fmt.Sprint(p.subject.Name, p.plan.ID(), p.seed) }
	var all []string
	for k := range whole.len() {
		all = append(all, name(whole.at(k)))
	}
	if drawn := all[len(whole.listed):]; len(drawn) != 50 || len(slices.Compact(slices.Sorted(slices.Values(drawn)))) != 50 {
		t.Fatalf("expected 50 drawn plans, none like another: %q", drawn)
	}
	var parts []string
	for i := 1; i <= 3; i++ {
		n, mine := x.plans(nil, true, 50).part(i, 3)
		for p := range mine {
			parts = append(parts, name(p))
			n--
		}
		if n != 0 {
			t.Errorf("part %d of 3: %d fewer plans than it says", i, n)
		}
	}
	slices.Sort(all)
	slices.Sort(parts)
	if !slices.Equal(all, parts) {
		t.Errorf("the parts have other plans than the whole:\n%q\n%q", parts, all)
	}
}

// A list of other plans has another digest.
func TestDigestOfPlans(t *testing.T) {
	s := Defaults()
	s.Scenarios = []string{"order"}
	x := openSession(t, s)
	seen := map[string]string{}
	for _, list := range []struct {
		name    string
		seed    uint64
		curated bool
		runs    int
	}{
		{"few", 1, false, 10},
		{"another seed", 2, false, 10},
		{"one more", 1, false, 11},
		{"more than stand for all", 1, false, enoughDrawn + 10},
		{"one more than those", 1, false, enoughDrawn + 11},
		{"curated too", 1, true, 10},
	} {
		x.s.Seed = list.seed
		d := x.plans(nil, list.curated, list.runs).digest()
		if other := seen[d]; other != "" {
			t.Errorf("%s has the digest of %s", list.name, other)
		}
		seen[d] = list.name
		if again := x.plans(nil, list.curated, list.runs).digest(); again != d {
			t.Errorf("%s: its digest was %s, then %s", list.name, d, again)
		}
	}
}
