package campaign_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/sagacheck/sagacheck/campaign"
)

// A program runs one scenario with the plans that are made for each kind of fault, and
// looks at one property.
func Example() {
	out, err := os.MkdirTemp("", "sagacheck-example-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(out) //nolint:errcheck // a temporary folder
	o := campaign.RunOptions{Settings: campaign.Defaults(), Curated: false}
	o.Scenarios, o.Properties, o.Out = []string{"single-step"}, []string{"duplicate-effect"}, out
	o.Plan = "testdata/lost-answer.yaml"
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	done, err := campaign.Run(ctx, campaign.Host{}, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range done.Run.Results {
		fmt.Printf("%s in %s: %s\n", r.Property, r.Scenario, r.Verdict)
	}
	// Output:
	// duplicate-effect in single-step: pass
}
