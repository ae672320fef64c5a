// Package sagacheck is the root of the module. It holds nothing but the engines that
// come inside the program: go:embed reaches only what lies below its own file. The
// command is in cmd/sagacheck; docs/architecture.md says what is where.
package sagacheck

import "embed"

// Engines are the folders of the engines that hold no Go module. Those with a go.mod
// can't be embedded (go:embed refuses other modules) and are read from a checkout.
//
//go:embed engines/reference/orchestrator.yaml engines/reference-container
//go:embed engines/reference-postgres/orchestrator.yaml engines/reference-postgres/postgres.sh
//go:embed engines/nodered/orchestrator.yaml engines/nodered/package.json engines/nodered/userdir
//go:embed engines/n8n/orchestrator.yaml engines/n8n/package.json engines/n8n/workflows
var Engines embed.FS
