package workflows

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated files")

// fresh compares a generated file with what is on the disk.
func fresh(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s: expected\n%s\ngot\n%s", path, have, want)
	}
}

// refused is the message about a file; the file must not be accepted.
func refused(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse(file, b)
	if err == nil {
		t.Fatalf("%s is accepted", file)
	}
	return strings.ReplaceAll(err.Error(), filepath.Dir(file)+"/", "") + "\n"
}

// What users get wrong, and what they read then.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			got := refused(t, file)
			fresh(t, strings.TrimSuffix(file, ".yaml")+".want", got)
			for range 20 {
				if again := refused(t, file); again != got {
					t.Fatalf("another time it says\n%s\nand not\n%s", again, got)
				}
			}
		})
	}
}

func TestGoodFile(t *testing.T) {
	if _, err := Load("testdata/good.yaml"); err != nil {
		t.Fatal(err)
	}
}
