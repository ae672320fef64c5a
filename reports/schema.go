package reports

import (
	_ "embed"
)

// Schema is the JSON Schema of report.json, generated from the types of this
// package (go test ./reports -update).
//
//go:embed report.schema.json
var Schema []byte
