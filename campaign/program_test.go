package campaign

import (
	"errors"
	"runtime/debug"
	"testing"
)

// Builds are one program if the same sources were built, and nothing else; who can't tell goes by
// the executable itself.
func TestWhatAProgramWasBuiltFrom(t *testing.T) {
	vcs := func(modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: modified}}}
	}
	for name, c := range map[string]struct {
		tool string
		info *debug.BuildInfo
		want string
	}{
		"a revision as it was checked in":    {"dev", vcs("false"), "revision abc"},
		"a revision with changes":            {"dev", vcs("true"), "executable e"},
		"a version that was changed":         {"v1.2.3", vcs("true"), "executable e"},
		"a release without sources":          {"v1.2.3", &debug.BuildInfo{}, "version v1.2.3"},
		"some commits after a release":       {"v1.2.3-4-gabc", nil, "version v1.2.3-4-gabc"},
		"changes that git describe knows of": {"v1.2.3-4-gabc-dirty", nil, "executable e"},
		"changes that Go knows of":           {"v1.2.4-0.20260101000000-abc+dirty", nil, "executable e"},
		"nothing is known":                   {"dev", nil, "executable e"},
	} {
		got, err := builtFrom(c.tool, c.info, func() (string, error) { return "e", nil })
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v: expected %q", name, got, err, c.want)
		}
	}
	unread := errors.New("unread")
	if _, err := builtFrom("dev", nil, func() (string, error) { return "", unread }); !errors.Is(err, unread) {
		t.Errorf("an executable that can't be read: %v", err)
	}
	if digest, err := executable(); err != nil || len(digest) != 64 {
		t.Errorf("this executable: %q, %v", digest, err)
	}
}
