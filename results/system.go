package results

// System is how the system under test was reached.
type System struct {
	By     Reached `json:"by" yaml:"by" jsonschema:"enum=built-in,enum=manifest,enum=workflow,enum=url"`
	Name   string  `json:"name" yaml:"name"`                         // for --orchestrator: name or path of the manifest, or URL
	Digest string  `json:"digest,omitempty" yaml:"digest,omitempty"` // of the manifest
	// Silent: it claims no capabilities, and is believed to have all.
	Silent bool `json:"silent,omitempty" yaml:"silent,omitempty"`
}

// Reached is a way to a system under test.
type Reached string

// The ways to a system under test.
const (
	BuiltIn    Reached = "built-in" // the reference executor inside this program
	ByManifest Reached = "manifest"
	ByWorkflow Reached = "workflow"
	ByURL      Reached = "url"
)
