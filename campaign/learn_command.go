package campaign

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/workflows"
	"github.com/sagacheck/sagacheck/workflows/learn"
)

// command is that of the file: what is beside the place where learn is called is named as seen
// from the file.
func (o *LearnOptions) command(s *learn.Setup) error {
	if len(o.Command) == 0 {
		if strings.Contains(s.Base, "${") {
			return errors.New("--start: a port with a name needs a command that is told it: -- ./shop")
		}
		return nil
	}
	here, err1 := os.Getwd()
	there, err2 := filepath.Abs(filepath.Dir(o.Out))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for _, word := range o.Command {
		if path := workflows.Beside(here, word); path != word && here != there {
			rel, err := filepath.Rel(there, path)
			if err != nil {
				return err
			}
			if word = rel; !strings.HasPrefix(rel, "../") {
				word = "./" + rel
			}
		}
		s.Command = append(s.Command, word)
	}
	return nil
}

// places refuses templates of unknown names in what the command is told, and ports of which
// nobody knows.
func (o *LearnOptions) places(s learn.Setup) error {
	said := []struct{ at, text string }{{"--start", s.Base}, {"--ready", s.Ready}}
	for _, word := range s.Command {
		said = append(said, struct{ at, text string }{"the command", word})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		said = append(said, struct{ at, text string }{"--env " + name, s.Env[name]})
	}
	for _, t := range said {
		for _, m := range orchestrators.Template.FindAllStringSubmatch(t.text, -1) {
			if !o.known(m[1]) {
				return fmt.Errorf("%s: %q: expected %s", t.at, m[0], o.names(s))
			}
		}
	}
	return o.otherPort(s)
}

// known tells whether a template has a value.
func (o *LearnOptions) known(name string) bool {
	service, ok := strings.CutPrefix(name, "service.")
	switch {
	case ok:
		return o.Services[service] != ""
	case name == "proxy", name == "ca.file":
		return len(o.Hosts) > 0
	}
	return orchestrators.IsPort(name) || slices.Contains([]string{"dir", "engine", "bin", "self"}, name)
}

// names are the templates that there are.
func (o *LearnOptions) names(s learn.Setup) string {
	var all []string
	if port := portOf(s.Base); port != "" {
		all = append(all, port+" (the port of --start)")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Services)) {
		all = append(all, "${service."+name+"}")
	}
	if len(o.Hosts) > 0 {
		all = append(all, "${proxy}", "${ca.file}")
	}
	return strings.Join(append(all, "${dir}", "${port.NAME} (another free port)"), ", ") + " or ${self}"
}

// portOf is the template of the port in a URL; empty: it has none.
func portOf(base string) string {
	for _, m := range orchestrators.Template.FindAllStringSubmatch(base, -1) {
		if orchestrators.IsPort(m[1]) {
			return m[0]
		}
	}
	return ""
}

// otherPort refuses a command that is given another port than the one at which it is spoken to,
// and not that one.
func (o *LearnOptions) otherPort(s learn.Setup) error {
	port := portOf(s.Base)
	told := strings.Join(append(slices.Collect(maps.Values(o.Env)), s.Command...), " ")
	if port == "" || strings.Contains(told, port) {
		return nil
	}
	for _, word := range s.Command {
		if other := portOf(word); other != "" {
			return fmt.Errorf("the command: %q: at that port nobody speaks to it: expected %s, the port of --start (where it is meant to have two: --env 'PORT=%s', or whatever it is told that one by)", other, port, port)
		}
	}
	return nil
}

// readyLimit is how long a workflow that is learnt may take to be ready: some set themselves up
// first.
func (o *LearnOptions) readyLimit() time.Duration { return max(time.Minute, o.Limit) }

// sayAfter is how long it may take until it is said what is waited for.
const sayAfter = 3 * time.Second

// waits says what is waited for when the command was started.
func (o *LearnOptions) waits(s learn.Setup) string {
	until := "something listens at " + s.Base
	if s.Ready != "" {
		until = s.Ready + " answers"
	}
	return fmt.Sprintf("the command runs; waiting until %s, for %v at the most (--limit)%s", until, o.readyLimit(), toldPort(s))
}

// toldPort says by what the command can know at which port to listen.
func toldPort(s learn.Setup) string {
	port := portOf(s.Base)
	if port == "" {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		if s.Env[name] == port {
			return fmt.Sprintf("; its port is in the variable %s, and is %s in its arguments: --port '%s'", name, port, port)
		}
	}
	return fmt.Sprintf("; its port is %s in its arguments: --port '%s'", port, port)
}

// unready is the error of a command that was not ready in time.
func (o *LearnOptions) unready(s learn.Setup, err error) error {
	if !errors.Is(err, orchestrators.ErrNotListening) {
		return err
	}
	return fmt.Errorf("%w\n%s was to be open%s; where it only takes longer than %v: --limit", err, s.Base, toldPort(s), o.readyLimit())
}
