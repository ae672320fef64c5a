package workflows

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestPathsBesideTheFile: processes run in folders of their own, and what their commands name
// lies beside the file.
func TestPathsBesideTheFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"trips.py": "", "workflow.yaml": `
name: trips
system:
  processes: [{name: trips, command: [python3, trips.py, --flag, ./etc/new.conf, other.py, /bin/sh], dir: sub, env: {PORT: "${port.http}"}, ready: {tcp: "127.0.0.1:${port.http}"}}]
  base: http://127.0.0.1:${port.http}
start: {request: POST /trips, body: {who: "${saga.id}"}, id: answer.body.id}
outcome: {request: "GET /trips/${id}", status: answer.body.state, statuses: {OPEN: running, DONE: completed}}
services: {cars: {operations: {hire: {request: POST /cars, saga: request.body.who}}}}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := Load(filepath.Join(dir, "workflow.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p := w.Manifest().Processes[0]
	want := []string{"python3", filepath.Join(dir, "trips.py"), "--flag", filepath.Join(dir, "etc/new.conf"), "other.py", "/bin/sh"}
	if !slices.Equal(p.Command, want) || p.Dir != filepath.Join(dir, "sub") {
		t.Errorf("%q in %s, expected %q", p.Command, p.Dir, want)
	}
}
