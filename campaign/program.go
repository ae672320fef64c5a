package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	participantdefects "github.com/sagacheck/sagacheck/participants/defects"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/scenarios"
)

// catalogue is a digest of the program that has this version: of what it can do (checkers, kinds of
// faults, scenarios and defects), and of what it was built from.
func catalogue(tool string) (string, error) {
	info, _ := debug.ReadBuildInfo()
	from, err := builtFrom(tool, info, executable)
	if err != nil {
		return "", fmt.Errorf("whether workers are the same program can't be told: %w", err)
	}
	var names []string
	for _, d := range participantdefects.All() {
		names = append(names, d.Name)
	}
	for _, d := range defects.All() {
		names = append(names, d.Name)
	}
	var promises []checkers.Doc
	for _, c := range checkers.All() {
		promises = append(promises, c.Doc())
	}
	var kinds []faults.KindDoc
	for _, k := range faults.Kinds() {
		kinds = append(kinds, k.Doc())
	}
	digests := map[string]string{}
	for _, s := range scenarios.All() {
		digests[s.Name] = scenarioSubject(s).digest()
	}
	return fingerprint([]any{promises, kinds, digests, names, from}), nil
}

// builtFrom is the version, or the revision of the sources, where nothing but that was built, so that
// builds of it for other machines are the same program; otherwise a digest of the executable.
func builtFrom(tool string, info *debug.BuildInfo, executable func() (string, error)) (string, error) {
	settings := map[string]string{}
	if info != nil {
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	revision := settings["vcs.revision"]
	switch {
	case revision != "" && settings["vcs.modified"] == "false":
		return "revision " + revision, nil
	case revision == "" && tool != "" && tool != "dev" && !strings.Contains(tool, "dirty"):
		return "version " + tool, nil
	}
	digest, err := executable()
	return "executable " + digest, err
}

// executable is a digest of the file that this process runs.
var executable = sync.OnceValues(func() (digest string, err error) {
	f, err := os.Open("/proc/self/exe") // whatever is at its path by now
	if err != nil {
		var path string
		if path, err = os.Executable(); err == nil {
			f, err = os.Open(path)
		}
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
})
