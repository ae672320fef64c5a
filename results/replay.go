package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// ReplayVersion is the version of replay files. A file of another version is
// refused.
const ReplayVersion = 1

// Replay is a cell that can be run again: a self-contained file, readable and
// editable by a person. The URLs of its definitions are those of the run that
// wrote it; who replays gives every call an address of its own.
type Replay struct {
	Version      int                  `yaml:"sagacheck_replay"`
	Tool         string               `yaml:"tool"` // version of sagacheck that wrote it
	Property     string               `yaml:"property"`
	Clause       string               `yaml:"clause,omitempty"` // of the property
	Broken       string               `yaml:"broken,omitempty"` // what was found
	Scenario     string               `yaml:"scenario"`
	Cell         string               `yaml:"cell,omitempty"`
	Orchestrator history.Orchestrator `yaml:"orchestrator"`
	System       System               `yaml:"system,omitempty"` // how it was reached; absent: --orchestrator has to say it
	Defects      []string             `yaml:"defects,omitempty"`
	Profile      string               `yaml:"profile"`
	Seed         uint64               `yaml:"seed"`
	SettleMS     int                  `yaml:"settle_ms,omitempty"`
	QuietMS      int                  `yaml:"quiet_ms,omitempty"` // 0: as the policies say
	Plan         faults.Plan          `yaml:"plan"`
	Registers    map[string]string    `yaml:"registers,omitempty"`
	Definitions  []saga.Definition    `yaml:"definitions"`

	planErr error
	file    string          // it was read from
	shape   *yamlfile.Shape // where its fields stand there
}

// NewReplay makes a replay of the cell with that header.
func NewReplay(h history.Header) *Replay {
	r := &Replay{
		Version: ReplayVersion, Scenario: h.Scenario, Cell: h.Cell, Orchestrator: h.Orchestrator, Defects: h.Defects,
		Profile: h.Profile, Seed: h.Seed, SettleMS: h.SettleMS, QuietMS: h.QuietMS, Registers: h.Registers, Definitions: h.Definitions,
	}
	if len(h.Plan) > 0 {
		r.planErr = json.Unmarshal(h.Plan, &r.Plan)
	}
	return r
}

// encodeBody writes the JSON of a call's body: in YAML's flow style if that reads
// back as the same bytes, else (white space, escapes, numbers beyond a float's
// digits, no object or list) as a string; with escapes of its own if that string
// does not read back either.
func encodeBody(b json.RawMessage) ([]byte, error) {
	if len(b) > 0 && (b[0] == '{' || b[0] == '[') && readsBack(b, b) {
		return b, nil
	}
	text, err := yaml.Marshal(string(b))
	if err == nil && readsBack(text, b) {
		return text, nil
	}
	var ascii strings.Builder
	for _, r := range string(b) {
		if r >= ' ' && r < 0x7f {
			ascii.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	return yaml.Marshal(ascii.String())
}

// readsBack tells whether a YAML text is read as that body.
func readsBack(text []byte, b json.RawMessage) bool {
	if bytes.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || r != '\n' && !unicode.IsPrint(r) }) {
		return false
	}
	var back json.RawMessage
	return decodeBody(&back, text) == nil && bytes.Equal(back, b)
}

func decodeBody(dst *json.RawMessage, b []byte) error {
	j, err := yaml.YAMLToJSON(b)
	if err != nil {
		return err
	}
	var text string
	if json.Unmarshal(j, &text) == nil { // a body as a string
		if !json.Valid([]byte(text)) {
			return fmt.Errorf("body: %.40q: expected JSON", text)
		}
		*dst = bytes.TrimSpace([]byte(text))
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, j); err != nil {
		return fmt.Errorf("body: %.40q: expected JSON", j)
	}
	*dst = compact.Bytes()
	return nil
}

// Encode is the file. Each line of comment goes above it, as a comment.
func (r *Replay) Encode(comment string) ([]byte, error) {
	if r.planErr != nil {
		return nil, fmt.Errorf("plan of cell %q: %w", r.Cell, r.planErr)
	}
	b, err := yaml.MarshalWithOptions(r, yaml.CustomMarshaler(encodeBody), yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("replay of cell %q: %w", r.Cell, err)
	}
	var out bytes.Buffer
	for line := range strings.Lines(comment) {
		out.WriteString(strings.TrimRight("# "+strings.TrimRight(line, "\n"), " ") + "\n")
	}
	out.Write(b)
	return out.Bytes(), nil
}

// maxReplay bounds the bytes of a replay file.
const maxReplay = 1 << 30

// LoadReplay reads a replay file. Another version, an unknown field and a value
// of the wrong kind are errors that name the file and the line; of another file of a run
// the error says what reads that.
func LoadReplay(path string) (*Replay, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: is a folder: expected a replay file%s", path, replayIn(path))
	}
	b, err := yamlfile.Read(path, maxReplay)
	if err != nil {
		return nil, err
	}
	r, err := DecodeReplay(b)
	if errors.Is(err, errNoReplay) {
		err = fmt.Errorf("%w (%s)", err, insteadOf(path))
	}
	if ps := yamlfile.In(err); len(ps) > 0 && ps[0].Line > 0 {
		return nil, ps.Of(path).Err()
	}
	if err != nil {
		return nil, fmt.Errorf("replay file %s: %w", path, err)
	}
	r.file = path
	return r, nil
}

// replayIn names a replay file that is there, if the folder is that of a run, or of its failures, or
// the one of --out.
func replayIn(dir string) string {
	for _, in := range []string{"", FailuresDir, filepath.Join(LatestLink, FailuresDir)} {
		files, err := os.ReadDir(filepath.Join(dir, in))
		if err != nil {
			continue
		}
		for _, f := range files {
			path := filepath.Join(dir, in, f.Name())
			if filepath.Ext(path) != ".yaml" || f.IsDir() {
				continue
			}
			if _, err := LoadReplay(path); err == nil {
				return ", such as " + path
			}
		}
	}
	return ", as they are in the folder " + FailuresDir + " of a run that found something"
}

// errNoReplay is a file of another sort.
var errNoReplay = errors.New("sagacheck_replay: missing: expected a replay file, as they are in the folder failures of a run, which begins with the version of its format")

var versionLine = regexp.MustCompile(`(?m)^sagacheck_replay:`)

// insteadOf says what takes a file that is no replay file, as far as its name tells.
func insteadOf(path string) string {
	switch filepath.Ext(path) {
	case ".html":
		return "a run's page is opened by sagacheck report open DIR"
	case ".jsonl":
		return "a history is judged by sagacheck check FILE"
	case ".json", ".md":
		return "a run's report is shown by sagacheck report open DIR"
	}
	return "a plan is run by sagacheck run --plan FILE"
}

// DecodeReplay reads the text of a replay file. See LoadReplay.
func DecodeReplay(b []byte) (*Replay, error) {
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("not UTF-8: %w", errNoReplay)
	}
	var head struct {
		Version *int `yaml:"sagacheck_replay"`
	}
	err := yaml.Unmarshal(b, &head)
	if err != nil && versionLine.Match(b) {
		return nil, yamlfile.NotYAML(err)
	}
	switch {
	case err != nil || head.Version == nil:
		return nil, errNoReplay
	case *head.Version != ReplayVersion:
		return nil, fmt.Errorf("sagacheck_replay: version %d: this sagacheck reads version %d", *head.Version, ReplayVersion)
	}
	var r Replay
	if r.shape, err = shapeOf(b); err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalWithOptions(b, &r, yaml.Strict(), yaml.CustomUnmarshaler(decodeBody)); err != nil {
		return nil, r.inWords(b, err)
	}
	return &r, r.Wrong("", r.validate().Err())
}

var quoted = regexp.MustCompile(`"([^"]+)"`)

// withLine adds the line to an error that quotes its input but doesn't know
// where that stood, as those of failure points do.
func withLine(b []byte, err error) error {
	m := quoted.FindStringSubmatch(err.Error())
	if m == nil || strings.HasPrefix(err.Error(), "[") {
		return err
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		if strings.Contains(line, m[1]) && !strings.HasPrefix(line, "#") {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return err
}
