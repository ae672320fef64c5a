package orchestrators

import (
	"github.com/sagacheck/sagacheck/internal/proxy"
)

// Proxy is an address of ours in front of something that the engine talks to: its
// database, above all.
type Proxy struct {
	Name     string `yaml:"name" json:"name" jsonschema:"required,pattern=^[a-z0-9][a-z0-9-]*$,description=Its address is ${proxy.NAME}"`
	Upstream string `yaml:"upstream" json:"upstream" jsonschema:"required,description=host:port of what stands behind it"`
	Store    bool   `yaml:"store,omitempty" json:"store,omitempty" jsonschema:"description=The engine reaches its store through it: a store outage cuts it"`
}

// fronted is a proxy that runs.
type fronted struct {
	*proxy.Proxy
	spec Proxy
}

// front starts a proxy on a port, for the upstream with its templates filled.
func front(spec Proxy, port int, upstream string) (fronted, error) {
	p, err := proxy.Start(spec.Name, port, upstream)
	return fronted{p, spec}, err
}
