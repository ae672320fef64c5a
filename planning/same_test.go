package planning

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/scenarios"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The same seed gives the same plans, today and tomorrow: who changes which plans are made
// sees here for which scenarios, and says so.
func TestTheSameSeedsGiveTheSamePlans(t *testing.T) {
	var b strings.Builder
	for _, s := range scenarios.All() {
		defs := sagasOf(s)
		curated, drawn := sha256.New(), sha256.New()
		plans := Curated(defs, able)
		for _, p := range plans {
			fmt.Fprintln(curated, p.ID())
		}
		for seed := range uint64(100) {
			fmt.Fprintln(drawn, Draw(defs, able, seed).ID())
		}
		fmt.Fprintf(&b, "%s: %d curated %.6x, 100 drawn %.6x\n", s.Name, len(plans), curated.Sum(nil), drawn.Sum(nil))
	}
	const golden = "testdata/plans.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("other plans than before (-update, and say in the commit why):\n%s\nexpected:\n%s", got, want)
	}
}
