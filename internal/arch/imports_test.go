package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sagacheck/sagacheck/"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// list lists the packages of the module.
func list(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps=false", "-json=ImportPath,Imports,Deps", module+"...")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaint.String())
	}
	all := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, strings.TrimSuffix(module, "/")) // the root's is empty
		all[strings.TrimPrefix(name, "/")] = p
	}
}

// A storey never reaches those above it, and the two halves reach each other in
// campaign only.
func TestImportsPointOneWay(t *testing.T) {
	running := []string{"harness", "faults", "planning", "wire", "simulation", "participants", "orchestrators", "reference", "scenarios", "workflows"}
	showing := []string{"results", "reports"}
	all := list(t)
	for _, rule := range []struct {
		why         string
		from, never []string
	}{
		{
			"a stored history can be judged on a machine that has none of the engines",
			[]string{"saga", "history", "models", "checkers", "checkers/mutation"},
			slices.Concat(running, showing, []string{"campaign", "cmd"}),
		},
		{
			"what was found needs the plans, and nothing of what ran the cells; it does not know how it is shown",
			[]string{"results"},
			[]string{"harness", "planning", "wire", "simulation", "participants", "orchestrators", "reference", "scenarios", "workflows", "reports", "campaign", "cmd"},
		},
		{
			"who shows what was found runs nothing",
			[]string{"reports", "reports/live"},
			[]string{"harness", "planning", "wire", "simulation", "participants", "orchestrators", "reference", "scenarios", "campaign", "cmd"},
		},
		{
			"a plan is data, whoever makes it and whoever carries it out",
			[]string{"faults"},
			[]string{"harness", "planning", "wire", "simulation", "participants", "orchestrators", "reference", "scenarios", "history"},
		},
		{
			"who plans knows of runs only their histories",
			[]string{"planning"},
			[]string{"harness", "wire", "simulation", "participants", "orchestrators", "reference", "scenarios"},
		},
		{
			"who carries plans out on sockets is told all of a cell by the harness",
			[]string{"wire"},
			[]string{"harness", "planning", "simulation", "orchestrators", "reference", "scenarios", "workflows"},
		},
		{
			"who carries plans out in memory is told all of a cell by who runs it, and knows no sockets",
			[]string{"simulation"},
			[]string{"harness", "planning", "wire", "orchestrators", "reference", "scenarios", "workflows", "sagatest"},
		},
		{
			"who tests sagas in go test needs no sockets and no command",
			[]string{"sagatest"},
			[]string{"harness", "wire", "campaign", "cmd"},
		},
		{
			"who reads files before anything runs needs nothing that runs",
			[]string{"lint"},
			slices.Concat(showing, []string{"harness", "planning", "wire", "checkers", "campaign", "cmd"}),
		},
		{
			"who examines the machine needs nothing that plans or judges",
			[]string{"doctor"},
			slices.Concat(showing, []string{"harness", "planning", "checkers", "campaign", "cmd"}),
		},
		{"who runs cells does not judge them", running, append([]string{"checkers", "campaign", "sagatest", "cmd"}, showing...)},
		{"who joins the two leaves it to others how it is shown", []string{"campaign"}, []string{"reports", "cmd"}},
	} {
		for _, name := range rule.from {
			p, ok := all[name]
			if !ok {
				t.Errorf("package %s is missing", name)
			}
			for _, dep := range p.Deps {
				if rest, ours := strings.CutPrefix(dep, module); ours && slices.Contains(rule.never, strings.Split(rest, "/")[0]) {
					t.Errorf("%s reaches %s: %s", name, rest, rule.why)
				}
			}
		}
	}
}

// The command line leaves to campaign what another program could want too.
func TestCommandLineRunsNothingItself(t *testing.T) {
	for _, imported := range list(t)["cmd/sagacheck"].Imports {
		if name, ours := strings.CutPrefix(imported, module); ours && slices.Contains([]string{"harness", "planning", "wire"}, name) {
			t.Errorf("cmd/sagacheck imports %s: expected it to ask campaign", name)
		}
	}
}

// A tool of an agent is a command: it asks the command line, and runs and judges nothing.
func TestAgentsAskTheCommandLine(t *testing.T) {
	may := []string{"campaign", "checkers", "results", "reports", "saga", "internal/words", "internal/yamlfile"}
	p, ok := list(t)["agents"]
	if !ok {
		t.Error("package agents is missing")
	}
	for _, dep := range p.Imports {
		if rest, ours := strings.CutPrefix(dep, module); ours && !slices.Contains(may, rest) {
			t.Errorf("agents imports %s: expected only %v", rest, may)
		}
	}
}

// Defects are laid over what is right, which knows none of them; who plants them says so.
func TestDefectsStandBesideWhatTheyBreak(t *testing.T) {
	planters := []string{"campaign", "cmd/sagacheck"}
	for name, p := range list(t) {
		for _, dep := range p.Imports {
			if rest, ours := strings.CutPrefix(dep, module); ours && strings.HasSuffix(rest, "/defects") && !slices.Contains(planters, name) {
				t.Errorf("%s imports %s: expected only %v to", name, rest, planters)
			}
		}
	}
}

// saga is the vocabulary: it imports nothing of ours.
func TestVocabularyImportsNothingOfOurs(t *testing.T) {
	for _, dep := range list(t)["saga"].Deps {
		if strings.HasPrefix(dep, module) {
			t.Errorf("saga reaches %s", dep)
		}
	}
}

// The reference executor stands on a few packages, none of which knows it: a store keeps
// what it is given, and knows nothing of sagas. It knows nothing of who speaks for it.
func TestTheExecutorStandsOnLittle(t *testing.T) {
	all := list(t)
	for name, may := range map[string][]string{
		"reference/store":       nil,
		"reference/bounds":      {"saga"},
		"reference/definitions": {"saga", "reference/bounds"},
		"reference/policies":    {"saga", "reference/bounds", "internal/yamlfile"},
		"reference":             {"saga", "reference/bounds", "reference/definitions", "reference/policies", "reference/store", "internal/jsonvalue", "internal/yamlfile"},
	} {
		if _, ok := all[name]; !ok {
			t.Errorf("package %s is missing", name)
		}
		for _, dep := range all[name].Deps {
			if rest, ours := strings.CutPrefix(dep, module); ours && !slices.Contains(may, rest) {
				t.Errorf("%s reaches %s: expected only %v", name, rest, may)
			}
		}
	}
}

// The dashboard shows what an executor says, and knows neither a store nor who lets people in.
func TestTheDashboardAsksTheExecutor(t *testing.T) {
	may := []string{"saga", "reference", "reference/definitions", "reference/policies", "internal/pages"}
	p, ok := list(t)["reference/dashboard"]
	if !ok {
		t.Error("package reference/dashboard is missing")
	}
	for _, dep := range p.Imports {
		if rest, ours := strings.CutPrefix(dep, module); ours && !slices.Contains(may, rest) {
			t.Errorf("reference/dashboard imports %s: expected only %v", rest, may)
		}
	}
}

// What one library is for, one package does.
func TestLibrariesHaveOneHome(t *testing.T) {
	homes := map[string][]string{
		"github.com/Shopify/toxiproxy/v2":             {"wire", "internal/proxy"},
		"github.com/anishathalye/porcupine":           {"models", "checkers"},
		"github.com/testcontainers/testcontainers-go": {"orchestrators"},
		"github.com/spf13/cobra":                      {"cmd/sagacheck"},
		"github.com/pb33f":                            {"workflows/openapi"},
		"modernc.org/sqlite":                          {"reference/store", "workflows"},
		"github.com/jackc/pgx/v5":                     {"reference/store", "workflows", "internal/testpostgres"},
		"github.com/go-sql-driver/mysql":              {"workflows"},
		"github.com/google/renameio/v2":               {"history", "orchestrators", "results"},
		"github.com/modelcontextprotocol/go-sdk":      {"agents"},
		"github.com/nats-io":                          {"queue", "internal/testnats"},
		"github.com/gofrs/flock":                      {"orchestrators", "queue"},
		"github.com/failsafe-go/failsafe-go":          {"reference"},
		"github.com/olekukonko/tablewriter":           {"reports"},
		"github.com/prometheus/client_golang":         {"internal/proxy", "reference/telemetry"},
		"github.com/prometheus/common":                {"orchestrators"},
		"go.opentelemetry.io":                         {"reference/telemetry", "orchestrators"},
		"google.golang.org/protobuf":                  {"reference/telemetry", "orchestrators"},
		"github.com/schollz/progressbar/v3":           {"reports"},
		"testing":                                     {"sagatest"},
		"github.com/chromedp":                         {"internal/testbrowser"},
		"github.com/rogpeppe/go-internal":             nil,
		"go.uber.org/goleak":                          nil,
	}
	for name, p := range list(t) {
		for _, imported := range p.Imports {
			for library, home := range homes {
				if (imported == library || strings.HasPrefix(imported, library+"/")) && !slices.Contains(home, name) {
					t.Errorf("%s imports %s: expected only in %v", name, imported, home)
				}
			}
		}
	}
}

// What packages do when they are loaded is part of each start of the program, and a run with kills starts the
// reference executor hundreds of times.
func TestTheProgramLoadsLightly(t *testing.T) {
	heavy := map[string]string{
		"github.com/santhosh-tekuri/jsonschema": "it compiles the schemas of all drafts of JSON Schema",
	}
	for _, dep := range list(t)["cmd/sagacheck"].Deps {
		for library, why := range heavy {
			if strings.HasPrefix(dep, library) {
				t.Errorf("cmd/sagacheck reaches %s: %s", dep, why)
			}
		}
	}
}

// Engines are modules of their own, or no Go at all: no package of ours is among them,
// and none is imported.
func TestEnginesAreApart(t *testing.T) {
	for name := range list(t) {
		if name == "engines" || strings.HasPrefix(name, "engines/") {
			t.Errorf("%s is a package of this module", name)
		}
	}
}

// Engines have go.mod files of their own: the root's has none of their SDKs.
func TestRootModuleHasNoEngine(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []string{"go.temporal.io/", "github.com/temporalio/", "github.com/dtm-labs/", "github.com/restatedev/", "github.com/dbos-inc/", "github.com/cschleiden/"} {
		if bytes.Contains(mod, []byte(engine)) {
			t.Errorf("go.mod requires %s", engine)
		}
	}
}

// Checkers and kinds of faults stand in explicit catalogues: no package registers
// anything when it is loaded.
func TestNoInit(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(list(t))) {
		files, err := os.ReadDir(path.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".go") {
				continue
			}
			text, err := os.ReadFile(path.Join("../..", name, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte("\nfunc init()")) {
				t.Errorf("%s/%s has an init function", name, f.Name())
			}
		}
	}
}
