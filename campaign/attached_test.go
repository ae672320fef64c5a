package campaign

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// TestAttachedNeedsAddresses: a system that runs already was told where its services are.
func TestAttachedNeedsAddresses(t *testing.T) {
	plain, err := os.ReadFile("../examples/shop/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(plain), "\nstart:")
	rest = strings.Replace(rest, "  inventory:\n", "  inventory:\n    listen: 127.0.0.1:9\n", 1)
	rest = strings.Replace(rest, "  shipping:\n", "  shipping:\n    host: api.ship.example\n", 1)
	o := RunOptions{Settings: Defaults(), Curated: true}
	o.Workflow, o.Out = filepath.Join(buildShop(t), "workflow.yaml"), t.TempDir()
	if err := os.WriteFile(o.Workflow, []byte("name: shop\nsystem: {base: http://127.0.0.1:9}\nstart:"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Run(t.Context(), Host{}, o)
	var exit *Error
	if !errors.As(err, &exit) || exit.Exit != results.ExitUsage {
		t.Fatalf("%v: expected a mistake of the caller", err)
	}
	for _, want := range []string{"services.payments.listen: must be given", "services.shipping.host: \"api.ship.example\": is for a system that Sagacheck starts"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: expected %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "services.inventory") {
		t.Error(err)
	}
}
