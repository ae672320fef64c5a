package orchestrators

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// ManifestName is the file name of a manifest.
const ManifestName = "orchestrator.yaml"

// Manifest says how an orchestrator is installed, started, driven and killed, and
// what it can do. Strings may hold templates: see Vars.
type Manifest struct {
	Name         string                     `yaml:"name" json:"name" jsonschema:"required,pattern=^[a-z0-9][a-z0-9-]*$,description=The name on the command line: that of the folder"`
	Title        string                     `yaml:"title,omitempty" json:"title,omitempty" jsonschema:"description=The name in reports"`
	Version      string                     `yaml:"version" json:"version" jsonschema:"required,description=The version that is installed"`
	Homepage     string                     `yaml:"homepage,omitempty" json:"homepage,omitempty"`
	Install      *Installation              `yaml:"install,omitempty" json:"install,omitempty" jsonschema:"description=How it is installed; without it the folder is used as it is"`
	Seed         string                     `yaml:"seed,omitempty" json:"seed,omitempty" jsonschema:"description=A folder of the installed engine that is copied to ${dir} before the first start"`
	Store        string                     `yaml:"store,omitempty" json:"store,omitempty" jsonschema:"description=Where it keeps its sagas: what survives a crash"`
	Definitions  string                     `yaml:"definitions,omitempty" json:"definitions,omitempty" jsonschema:"description=A file of sagas that clients start by their name\\, which it reads when it starts: cells write it that change a definition and kill"`
	FullDisk     bool                       `yaml:"full_disk,omitempty" json:"full_disk,omitempty" jsonschema:"description=Its store can be cut off by a full disk: the crashable processes outlive writes to files that fail"`
	Proxies      []Proxy                    `yaml:"proxies,omitempty" json:"proxies,omitempty" jsonschema:"description=Addresses in front of what it talks to: its database"`
	Processes    []Process                  `yaml:"processes,omitempty" json:"processes,omitempty" jsonschema:"description=Started in this order and ended in the opposite one"`
	Container    *Container                 `yaml:"container,omitempty" json:"container,omitempty" jsonschema:"description=A container in place of processes"`
	Base         string                     `yaml:"base" json:"base" jsonschema:"required,description=The base URL: of the contract or of the mapping"`
	Mapping      *Mapping                   `yaml:"mapping,omitempty" json:"mapping,omitempty" jsonschema:"description=How an API of its own is spoken; without it the orchestrator speaks the contract"`
	Operator     map[saga.Act]*MappedSubmit `yaml:"operator,omitempty" json:"operator,omitempty" jsonschema:"description=How operators ask: rollback\\, retry\\, pause and resume\\, skip\\, end; where it is not as in the contract"`
	Telemetry    *Telemetry                 `yaml:"telemetry,omitempty" json:"telemetry,omitempty" jsonschema:"description=How to hear what it says about itself: that is compared with what it did"`
	Capabilities []string                   `yaml:"capabilities" json:"capabilities" jsonschema:"required,description=What it can do: sagacheck list orchestrators names all words"`
	TimeScale    float64                    `yaml:"time_scale,omitempty" json:"time_scale,omitempty" jsonschema:"minimum=1,description=Multiplies the time-outs and waits of retry policies (default 1)"`
	QuietMS      int                        `yaml:"quiet_ms,omitempty" json:"quiet_ms,omitempty" jsonschema:"minimum=0,description=How long the wires must be silent before a saga without an end counts as stuck"`
	Parallel     int                        `yaml:"parallel,omitempty" json:"parallel,omitempty" jsonschema:"minimum=0,description=How many cells it can serve at once (default 0: any number)"`
	Cells        int                        `yaml:"cells,omitempty" json:"cells,omitempty" jsonschema:"minimum=0,description=How many cells that may kill it are given to it one after the other before another is started with an empty store (default 0: any number): fewer where its start takes the longer the more sagas it holds"`
	Settings     []Setting                  `yaml:"settings,omitempty" json:"settings,omitempty" jsonschema:"description=The settings that matter to the result; printed below comparisons"`
	Notes        []Note                     `yaml:"notes,omitempty" json:"notes,omitempty" jsonschema:"description=What its documentation says of the anomalies"`

	source source // where it was loaded from
}

// Installation is how an engine is installed into its cache folder.
type Installation struct {
	Needs    []string  `yaml:"needs,omitempty" json:"needs,omitempty" jsonschema:"description=Programs that must be on the PATH"`
	Minutes  float64   `yaml:"minutes,omitempty" json:"minutes,omitempty" jsonschema:"description=How long it took on two cores"`
	With     []string  `yaml:"with,omitempty" json:"with,omitempty" jsonschema:"description=Sibling folders that it needs beside its own"`
	Commands []Command `yaml:"commands" json:"commands" jsonschema:"required,description=Run in a copy of the engine's folder, with pinned versions"`
}

// Command is a program with its arguments; no shell is involved.
type Command struct {
	Run []string          `yaml:"run" json:"run" jsonschema:"required"`
	Env map[string]string `yaml:"env,omitempty" json:"env,omitempty"`
}

// Process is one process of an engine.
type Process struct {
	Name      string            `yaml:"name" json:"name" jsonschema:"required,pattern=^[a-z0-9][a-z0-9-]*$"`
	Command   []string          `yaml:"command" json:"command" jsonschema:"required,description=The program itself and not a shell or a launcher: a signal must reach it"`
	Env       map[string]string `yaml:"env,omitempty" json:"env,omitempty"`
	Dir       string            `yaml:"dir,omitempty" json:"dir,omitempty" jsonschema:"description=Working folder (default ${dir})"`
	Ready     Ready             `yaml:"ready,omitempty" json:"ready,omitempty"`
	Crashable bool              `yaml:"crashable,omitempty" json:"crashable,omitempty" jsonschema:"description=May be killed and paused"`
}

// Ready is how one knows that a process is ready: its URL answers, or its port is
// open. Neither: it is ready at once.
type Ready struct {
	URL       string `yaml:"url,omitempty" json:"url,omitempty"`
	Code      int    `yaml:"code,omitempty" json:"code,omitempty" jsonschema:"description=The HTTP status expected (default 200)"`
	TCP       string `yaml:"tcp,omitempty" json:"tcp,omitempty" jsonschema:"description=host:port"`
	TimeoutMS int    `yaml:"timeout_ms,omitempty" json:"timeout_ms,omitempty" jsonschema:"description=Default 60000"`
}

// Timeout is how long to wait for readiness.
func (r Ready) Timeout() time.Duration {
	if r.TimeoutMS == 0 {
		return time.Minute
	}
	return time.Duration(r.TimeoutMS) * time.Millisecond
}

// Setting is a setting of the engine, with its reason.
type Setting struct {
	Name  string `yaml:"name" json:"name" jsonschema:"required"`
	Value string `yaml:"value" json:"value" jsonschema:"required"`
	Why   string `yaml:"why,omitempty" json:"why,omitempty"`
}

// Note says what an anomaly comes from: documented behaviour of the engine, a setting, what no engine can prevent
// (unavoidable), other findings (consequence), or nothing that we found a word about (surprise).
type Note struct {
	Property string `yaml:"property" json:"property" jsonschema:"required"`
	Says     string `yaml:"says" json:"says" jsonschema:"required,enum=documented,enum=setting,enum=unavoidable,enum=consequence,enum=surprise"`
	Text     string `yaml:"text" json:"text" jsonschema:"required"`
}

// bad is a mistake in a field.
func bad(field, format string, args ...any) error {
	return badly(field, fmt.Errorf(format, args...))
}

// badly is what is wrong with a field, as a mistake in it.
func badly(field string, err error) error {
	return &yamlfile.Problem{Field: field, Reason: err.Error()}
}

// LoadManifest reads and checks a manifest. An error names file, line and field.
func LoadManifest(fsys fs.FS, file string) (*Manifest, error) {
	b, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	return ParseManifest(file, b)
}

// maxManifest bounds the bytes of a manifest.
const maxManifest = 1 << 20

// ParseManifest is [LoadManifest] of a text; file is the name that mistakes show.
func ParseManifest(file string, b []byte) (*Manifest, error) {
	m, ps := decodeManifest(b)
	if len(ps) > 0 {
		return nil, ps.Of(file).InOrder().Err()
	}
	return m, nil
}

func decodeManifest(b []byte) (*Manifest, yamlfile.Problems) {
	var m Manifest
	sh, ps := yamlfile.Decode(b, maxManifest, "a manifest", &m, nil)
	if len(ps) > 0 {
		return nil, ps
	}
	return &m, sh.Besides(yamlfile.In(m.validate()))
}

var manifestName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func (m *Manifest) validate() error {
	switch {
	case !manifestName.MatchString(m.Name):
		return bad("name", "%q: expected lower-case letters, digits and hyphens", m.Name)
	case m.Version == "":
		return bad("version", "must be given")
	case m.Base == "":
		return bad("base", "must be given: the base URL")
	case len(m.Processes) > 0 && m.Container != nil:
		return bad("container", "expected either processes or a container")
	case m.TimeScale != 0 && m.TimeScale < 1:
		return bad("time_scale", "%v: expected 1 or more", m.TimeScale)
	case m.Parallel < 0:
		return bad("parallel", "%d: expected 0 (any number) or more", m.Parallel)
	case m.Cells < 0:
		return bad("cells", "%d: expected 0 (any number) or more", m.Cells)
	case m.QuietMS < 0:
		return bad("quiet_ms", "%d: expected 0 or more", m.QuietMS)
	case m.Seed != "" && !fs.ValidPath(path.Clean(m.Seed)):
		return bad("seed", "%q: expected a folder inside the engine's", m.Seed)
	}
	if err := checkCapabilities(m.Capabilities); err != nil {
		return err
	}
	return errors.Join(m.validateParts()...)
}

func (m *Manifest) validateParts() (errs []error) {
	errs = m.validateProxies()
	seen := map[string]bool{}
	for i, p := range m.Processes {
		at := fmt.Sprintf("processes[%d]", i)
		switch {
		case !manifestName.MatchString(p.Name):
			errs = append(errs, bad(at+".name", "%q: expected lower-case letters, digits and hyphens", p.Name))
		case seen[p.Name]:
			errs = append(errs, bad(at+".name", "%q is there twice", p.Name))
		case len(p.Command) == 0:
			errs = append(errs, bad(at+".command", "must be given"))
		case p.Ready.URL != "" && p.Ready.TCP != "":
			errs = append(errs, bad(at+".ready", "expected either url or tcp"))
		}
		seen[p.Name] = true
	}
	if m.Install != nil {
		for i, c := range m.Install.Commands {
			if len(c.Run) == 0 {
				errs = append(errs, bad(fmt.Sprintf("install.commands[%d].run", i), "must be given"))
			}
		}
		for i, w := range m.Install.With {
			if !manifestName.MatchString(w) {
				errs = append(errs, bad(fmt.Sprintf("install.with[%d]", i), "%q: expected the name of a folder beside this one", w))
			}
		}
	}
	if err := m.validateDefinitions(); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, m.validatePorts()...)
	errs = append(errs, m.validateTelemetry()...)
	errs = append(errs, m.validateOperator()...)
	for _, t := range m.templates() {
		if err := m.checkTemplate(t); err != nil {
			errs = append(errs, badly(t.path, err))
		}
	}
	if m.Container != nil {
		errs = append(errs, m.Container.validate())
	}
	if m.Mapping != nil {
		if i := slices.Index(m.Capabilities, "exact-body"); i >= 0 {
			errs = append(errs, bad(fmt.Sprintf("capabilities[%d]", i), "exact-body: a mapping writes bodies anew, so nobody could tell whose bytes they are"))
		}
		errs = append(errs, m.Mapping.compile())
	}
	return errs
}

// validatePorts refuses ports that nothing of ours is told: nobody would ever listen
// there. A system that runs already has no processes, and its base names its port.
func (m *Manifest) validatePorts() (errs []error) {
	told := map[string]bool{}
	inside := func(path string) bool {
		return strings.HasPrefix(path, "container.") && path != "container.ready.url" ||
			strings.HasPrefix(path, "processes[") && (strings.Contains(path, "].command[") || strings.Contains(path, "].env."))
	}
	each := func(t templated, do func(port string)) {
		for _, s := range Template.FindAllStringSubmatch(t.text, -1) {
			if p := portName.FindStringSubmatch(s[1]); p != nil {
				do(p[1])
			}
		}
	}
	for _, t := range m.templates() {
		if inside(t.path) {
			each(t, func(port string) { told[port] = true })
		}
	}
	for _, t := range m.templates() {
		each(t, func(port string) {
			if !told[port] {
				errs = append(errs, bad(t.path, "${port.%s}: expected a process or a container with it in its command or env: nothing else could listen there", port))
			}
		})
	}
	return errs
}

func (m *Manifest) validateProxies() (errs []error) {
	seen := map[string]bool{}
	for i, p := range m.Proxies {
		at := fmt.Sprintf("proxies[%d]", i)
		_, port, err := net.SplitHostPort(p.Upstream)
		switch {
		case !manifestName.MatchString(p.Name):
			errs = append(errs, bad(at+".name", "%q: expected lower-case letters, digits and hyphens", p.Name))
		case seen[p.Name]:
			errs = append(errs, bad(at+".name", "%q is there twice", p.Name))
		case err != nil || port == "":
			errs = append(errs, bad(at+".upstream", "%q: expected host:port", p.Upstream))
		}
		seen[p.Name] = true
	}
	switch {
	case !m.FullDisk:
	case m.proxied():
		errs = append(errs, bad("full_disk", "expected either this or a proxy with store: true"))
	case m.Container != nil || !m.crashable():
		errs = append(errs, bad("full_disk", "expected a crashable process: it is the one whose writes fail"))
	}
	return errs
}
