package reports

import (
	"bytes"
	"testing"
)

// env is an environment of names and values.
func env(kv ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == name {
				return kv[i+1]
			}
		}
		return ""
	}
}

func TestTerminal(t *testing.T) {
	var b bytes.Buffer
	if got := NewTerminal(&b, env()); got.Live || got.Colour || got.ASCII || got.Width != defaultWidth {
		t.Errorf("a buffer is %+v", got)
	}
	if got := NewTerminal(&b, env("COLUMNS", "70", "LC_ALL", "C")); !got.ASCII || got.Width != 70 {
		t.Errorf("got %+v", got)
	}
	if got := NewTerminal(&b, env("LANG", "de_DE.UTF-8")); got.ASCII {
		t.Errorf("got %+v", got)
	}
}
