package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
)

// Here runs are made, so nothing is broken here.
func TestThisMachineWorks(t *testing.T) {
	found := Look(t.Context(), Options{Out: filepath.Join(t.TempDir(), "not", "yet", "there"), Getenv: os.Getenv})
	seen := map[string]bool{}
	for _, f := range found {
		if seen[f.Check] {
			t.Errorf("%s is there twice", f.Check)
		}
		seen[f.Check] = true
		if f.State == Broken || f.Found == "" || f.State != Fine && f.Mend == "" {
			t.Errorf("%+v", f)
		}
	}
	for _, check := range []string{"addresses", "timers", diskWrites, "disk for reports and histories", "Docker", "orchestrator reference"} {
		if !seen[check] {
			t.Errorf("%s was not looked at", check)
		}
	}
}

func TestWorks(t *testing.T) {
	found := []Finding{{State: Fine}, {State: Limited}, {State: Absent}}
	if !Works(found) || Works(append(found, Finding{State: Broken})) {
		t.Error("what is broken and nothing else keeps runs from being made")
	}
}

func TestProxies(t *testing.T) {
	for env, want := range map[string]State{
		"": Fine, "HTTP_PROXY=http://p": Limited, "all_proxy=socks://p": Limited,
		"HTTP_PROXY=http://p NO_PROXY=example.org": Limited, "HTTP_PROXY=http://p NO_PROXY=example.org,127.0.0.1": Fine,
		"http_proxy=http://p no_proxy=*": Fine, "NO_PROXY=example.org": Fine,
	} {
		got := proxies(func(name string) string {
			for word := range strings.FieldsSeq(env) {
				if value, ok := strings.CutPrefix(word, name+"="); ok {
					return value
				}
			}
			return ""
		})
		if got.State != want {
			t.Errorf("%q: %+v, expected %s", env, got, want)
		}
	}
}

func TestPunctual(t *testing.T) {
	for name, judge := range map[string]func([]time.Duration) Finding{"timers": punctual, diskWrites: quick} {
		late := make([]time.Duration, ticks)
		late[1], late[2] = time.Second, time.Second
		if f := judge(late); f.State != Fine || f.Check != name {
			t.Errorf("two of a hundred are late: %+v", f)
		}
		for i := range 10 {
			late[i] = max(lateTimer, lateDisk) + time.Millisecond
		}
		if f := judge(late); f.State != Limited || f.Check != name {
			t.Errorf("ten of a hundred are late: %+v", f)
		}
	}
}

func TestLeftMemory(t *testing.T) {
	const info, most, used = "/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"
	for _, c := range []struct {
		files map[string]string
		left  int64
		known bool
	}{
		{map[string]string{}, 0, false},
		{map[string]string{info: "MemTotal: 9 kB\nMemAvailable:   2048 kB\n"}, 2 << 20, true},
		{map[string]string{info: "MemAvailable: 2048 kB\n", most: "max\n", used: "5\n"}, 2 << 20, true},
		{map[string]string{info: "MemAvailable: 2048 kB\n", most: "1048576\n", used: "1000\n"}, 1<<20 - 1000, true},
	} {
		left, known := leftMemory(func(file string) ([]byte, error) {
			text, ok := c.files[file]
			if !ok {
				return nil, os.ErrNotExist
			}
			return []byte(text), nil
		})
		if left != c.left || known != c.known {
			t.Errorf("%v: %d, %t, expected %d, %t", c.files, left, known, c.left, c.known)
		}
	}
}

func TestFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := folder("reports", file); f.State != Broken {
		t.Errorf("a file: %+v", f)
	}
	if f := folder("reports", filepath.Join(filepath.Dir(file), "new")); f.State == Broken {
		t.Errorf("a folder to be made: %+v", f)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestEngine(t *testing.T) {
	there := func(string) (string, error) { return "/bin/x", nil }
	gone := func(string) (string, error) { return "", errors.New("gone") }
	t.Setenv("SAGACHECK_CACHE", t.TempDir())
	for _, c := range []struct {
		name   string
		docker State
		look   func(string) (string, error)
		state  State
		says   string
	}{
		{"nodered", Fine, there, Absent, "not installed (takes about"},
		{"nodered", Fine, gone, Absent, "needs node,"},
		{"reference-container", Fine, gone, Fine, "needs no installation"},
		{"reference-container", Absent, gone, Absent, "container"},
	} {
		m, err := orchestrators.FindManifest(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if f := engine(m, Finding{State: c.docker}, c.look); f.State != c.state || !strings.Contains(f.Found, c.says) {
			t.Errorf("%+v: expected %s, %s", f, c.state, c.says)
		}
	}
}
