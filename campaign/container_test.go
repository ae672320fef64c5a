//go:build docker

package campaign

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// inContainer makes of the example's file one whose service runs in a container.
var inContainer = strings.NewReplacer(
	"  processes:\n    - name: shop\n      command: [./shop]\n", "  container:\n      dockerfile: Dockerfile\n",
	"      crashable: true\n", "",
)

// TestContainerShop runs the example order service in a container, with kills: it passes,
// also where it finds a service by its host, through the proxy; and its mistakes are named.
func TestContainerShop(t *testing.T) {
	plain, err := os.ReadFile("../examples/shop/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	host := strings.NewReplacer("${service.shipping}", "https://shipping.example", "  shipping:\n", "  shipping:\n    host: shipping.example\n")
	books := `
  - {name: books-agree, settled: {sql: "select count(*) n from orders where id = :id and state = 'DONE'", dsn: "sqlite:${dir}/shop.db"}, expect: "(rows[0].n == 1) == (status == 'completed')"}
`
	for name, c := range map[string]struct{ file, property string }{
		"right":        {host.Replace(string(plain)) + books, ""},
		"restart-anew": {strings.Replace(string(plain), "env:\n", "env:\n        SHOP_BUG: restart-anew\n", 1), "duplicate-effect"},
	} {
		t.Run(name, func(t *testing.T) {
			o := RunOptions{Settings: Defaults(), Curated: true}
			o.Workflow, o.Out, o.Settle = containedShop(t, c.file), t.TempDir(), 8*time.Second
			if c.property != "" {
				o.MaxFailures = 10
			}
			done, err := Run(t.Context(), Host{}, o)
			if err != nil {
				t.Fatal(err)
			}
			found(t, done.Run, c.property)
			killed := 0
			for _, cell := range done.Run.Cells {
				if strings.Contains(cell.Plan, "crash-orchestrator") && cell.FaultsFired == cell.FaultsPlanned {
					killed++
				}
			}
			if killed == 0 {
				t.Error("the container was never killed")
			}
			t.Logf("%s, %d cells, killed in %d of those that are listed", done.Run.Summary.Outcome, done.Run.Totals.Cells, killed)
			left, err := exec.Command("docker", "ps", "--all", "--format", "{{.Image}}").CombinedOutput()
			if err != nil || strings.Contains(string(left), "sagacheck-shop") {
				t.Errorf("containers left behind: %s, %v", left, err)
			}
		})
	}
}

// containedShop is the example with that file, and what its image is built from; it gives
// the path of the file.
func containedShop(t *testing.T, text string) string {
	t.Helper()
	dir := buildShop(t)
	image, err := os.ReadFile("../examples/shop/Dockerfile")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Dockerfile"), image, 0o600)
	}
	file := filepath.Join(dir, "workflow.yaml")
	if err = errors.Join(err, os.WriteFile(file, []byte(inContainer.Replace(text)), 0o600)); err != nil {
		t.Fatal(err)
	}
	return file
}
