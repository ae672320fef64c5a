package orchestrators

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
)

const small = `name: mine
version: "1"
base: http://127.0.0.1:8080
processes:
  - name: engine
    command: [run]
capabilities: [dag]
`

func TestManifestErrors(t *testing.T) {
	if _, err := ParseManifest("m.yaml", []byte(small)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"name: mine", "name: Mine", `m.yaml:1:7: name: "Mine": expected lower-case`},
		{"[dag]", "[dag, flight]", `m.yaml:7:21: capabilities[1]: "flight": expected one of dag, pivot`},
		{"8080", "${port.web}", `m.yaml:3:7: base: ${port.web}: expected a process or a container with it in its command or env`},
		{"command: [run]", "command: [run]\n    ready: {tcp: \"127.0.0.1:${port.web}\"}", `m.yaml:7:18: processes[0].ready.tcp: ${port.web}: expected a process`},
		{"[dag]", "[dag, exact-body]\nmapping: {submit: {url: x}, report: {url: x, status: body.s}}", `m.yaml:7:21: capabilities[1]: exact-body: a mapping writes bodies anew`},
		{"command: [run]", `command: [run, "${prot.http}"]`, `m.yaml:6:20: processes[0].command[1]: "${prot.http}": expected ${port.NAME}`},
		{"command: [run]", `command: [run, "--port={{ port.http }}"]`, `m.yaml:6:20: processes[0].command[1]: "{{ port.http }}": expected ${port.http}`},
		{"command: [run]", "command: []", `m.yaml:6:14: processes[0].command: must be given`},
		{"command: [run]", "comand: [run]", `m.yaml:6:5: processes[0].comand: unknown field "comand": expected one of name, command`},
		{"- name: engine", "- name: engine\n    command: [x]\n  - name: engine", `m.yaml:7:11: processes[1].name: "engine" is there twice`},
		{"base: http://127.0.0.1:8080\n", "", `m.yaml:1:1: base: is missing: expected a text`},
		{"capabilities:", "time_scale: 0.5\ncapabilities:", `m.yaml:7:13: time_scale: 0.5: expected 1 or more`},
		{"capabilities:", "container: {image: x}\ncapabilities:", `m.yaml:7:12: container: expected either processes or a container`},
		{"base:", "definitions: /etc/hosts\nbase:", `m.yaml:3:14: definitions: "/etc/hosts": expected a file below ${dir}/`},
		{"base:", "definitions: \"${dir}/../x\"\nbase:", `m.yaml:3:14: definitions: "${dir}/../x": expected a file below ${dir}/`},
		{"base:", "definitions: \"${dir}/x\"\nbase:", `m.yaml:3:14: definitions: expected a container, or a process with crashable: true`},
		{"base:", "full_disk: true\nbase:", `m.yaml:3:12: full_disk: expected a crashable process`},
		{"base:", "proxies: [{name: db, upstream: \"${port.db}\"}]\nbase:", `m.yaml:3:32: proxies[0].upstream: "${port.db}": expected host:port`},
		{"base:", "proxies: [{name: Db, upstream: \"h:1\"}]\nbase:", `m.yaml:3:18: proxies[0].name: "Db": expected lower-case`},
		{"base:", "proxies: [{name: a, upstream: \"h:1\"}, {name: a, upstream: \"h:1\"}]\nbase:", `m.yaml:3:46: proxies[1].name: "a" is there twice`},
		{"base:", "proxies: [{name: a, upstream: \"h:1\"}, {name: b, upstream: \"${proxy.a}:1\"}]\nbase:", `proxies[1].upstream: "${proxy.a}": a proxy can't stand behind another`},
		{"base:", "proxies: [{name: a, upstream: \"h:1\", store: true}]\nfull_disk: true\nbase:", `m.yaml:4:12: full_disk: expected either this or a proxy with store: true`},
		{"command: [run]", `command: [run, "${proxy.db}"]`, `m.yaml:6:20: processes[0].command[1]: "${proxy.db}": expected the name of one of the proxies`},
		{"capabilities:", "mapping: {submit: {url: \"${base\"}, report: {url: x, status: body.s}}\ncapabilities:", `m.yaml:7:25: mapping.submit.url: "${base": expected ${expression}`},
		{"capabilities:", "mapping: {submit: {url: \"${bse}/x\"}, report: {url: x, status: body.s}}\ncapabilities:", `mapping.submit.url: expression "bse": unknown name bse`},
		{"capabilities:", "mapping: {submit: {url: x}, report: {url: x, status: body.s, statuses: {ok: done}}}\ncapabilities:", `m.yaml:7:72: mapping.report.statuses: ok: "done": expected running`},
	} {
		_, err := ParseManifest("m.yaml", []byte(strings.Replace(small, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.new, err, c.want)
		}
	}
}

// TestNoProcesses: a manifest may describe a server that runs already.
func TestNoProcesses(t *testing.T) {
	m, err := ParseManifest("m.yaml", []byte(`name: mine
version: "1"
base: http://127.0.0.1:8080
mapping: {submit: {url: x}, report: {url: x, status: body.s}}
capabilities: []
`))
	if err != nil {
		t.Fatal(err)
	}
	if m.CanKill() || !slices.Contains(m.unable(), history.Kill) {
		t.Error("nothing of it is ours, and it can be killed?")
	}
}

func TestStoresThatCanBeCutOff(t *testing.T) {
	for name, want := range map[string]bool{"reference": true, "reference-postgres": true, "reference-container": false, "n8n": false} {
		m, err := FindManifest(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.CanCutStore(); got != want {
			t.Errorf("%s: CanCutStore = %v: expected %v", name, got, want)
		}
	}
}

func TestEveryManifestLoads(t *testing.T) {
	ms, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if m.Name != m.source.name[strings.LastIndex(m.source.name, "/")+1:] {
			t.Errorf("%s: name: %q: expected that of the folder", m.source.name, m.Name)
		}
	}
	if len(ms) == 0 {
		t.Error("no manifest found")
	}
}

func TestUnknownOrchestrator(t *testing.T) {
	_, err := FindManifest("nobody")
	if err == nil || !strings.Contains(err.Error(), `orchestrator "nobody": expected one of`) || !strings.Contains(err.Error(), "reference") {
		t.Errorf("FindManifest: %v", err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(small + "mapping: {submit: {url: \"${base}\", body: {a: [\"${id}\"]}}, report: {url: x, status: body.s}}\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = ParseManifest("m.yaml", b) // must not panic
	})
}
