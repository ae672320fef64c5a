package learn

import _ "embed" // the first file

// First is a commented first file of a workflow, for those who write it by hand.
//
//go:embed first.yaml
var First []byte
