package policies

import _ "embed"

// Schema is the JSON Schema (draft 2020-12) of the format, for editors. It is generated
// from the types; what needs more than one field to be judged is only in Parse.
//
//go:embed policies.schema.json
var Schema []byte
