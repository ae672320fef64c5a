package main

import (
	"bytes"
	"testing"
)

// The whole way, on a handful: a defect that shows anywhere, one that needs an
// exact point, one of the participants.
func TestMutantsQuick(t *testing.T) {
	out := t.TempDir()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), process{
		args:   []string{"mutants", "--quick", "--parallel", "4", "--out", out, "--defect", "no-key,error-means-undone,refund-short"},
		stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" },
	})
	if code != 0 {
		t.Errorf("exit %d\n%s\n%s", code, stdout.String(), stderr.String())
	}
}
