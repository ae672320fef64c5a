package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	nats "github.com/nats-io/nats-server/v2/server"

	"github.com/sagacheck/sagacheck/campaign"
)

// What the examples of deploy/ start is taken by what they start: each flag is there, and its value of the right kind.
func TestPagesOfDeployStartWhatIsThere(t *testing.T) {
	files, err := filepath.Glob("../../deploy/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, err := startable(text)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		read += n
	}
	if read < 7 {
		t.Errorf("%d command lines of %q were read: expected one of each container, and those in comments", read, files)
	}
}

// An example with a flag that is not there is found, wherever a file has it.
func TestWrongExamplesOfDeployAreFound(t *testing.T) {
	for flag, text := range map[string]string{
		"--credentials": "spec: {containers: [{image: sagacheck:latest, args: [worker, --credentials, a.creds]}]}",
		"--shards":      "spec: {containers: [{image: sagacheck:latest, command: [/bin/sh, -c], args: [exec sagacheck run --shards $((N + 1))/4]}]}",
		"--serve":       "services: {run: {image: sagacheck:latest, command: [run, --serve, nats://n]}}",
		"--outs":        "services: {run: {image: sagacheck:latest, command: run --outs /out}}",
		"jet":           "services: {nats: {image: nats:2, command: [--jet]}}",
		"--all":         "# When it has ended:\n#   sagacheck report merge --all a b\nkind: Job\n",
		"SAGACHECK_URL": "services: {run: {image: sagacheck:latest, command: [worker], environment: {SAGACHECK_URL: nats://n}}}",
		"toxiproxy":     "services: {run: {image: toxiproxy, command: [-x]}}",
	} {
		if _, err := startable([]byte(text)); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: got %v: expected %s to be named", text, err, flag)
		}
	}
}

var (
	inComment   = regexp.MustCompile(`(?m)^# +(sagacheck .*)$`)
	environment = regexp.MustCompile(`SAGACHECK_[A-Z_]+`)
	arithmetic  = regexp.MustCompile(`\$\(\([^)]*\)\)`)
)

// startable reads the command lines of a file for Kubernetes or Docker, and says which can't be.
func startable(text []byte) (read int, err error) {
	var wrong []error
	for _, name := range environment.FindAllString(string(text), -1) {
		if name != campaign.ServerEnv {
			wrong = append(wrong, fmt.Errorf("nothing reads %s", name))
		}
	}
	for _, m := range inComment.FindAllStringSubmatch(string(text), -1) {
		read++
		wrong = append(wrong, readable(m[1], false))
	}
	for documents := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document any
		switch err := documents.Decode(&document); {
		case errors.Is(err, io.EOF):
			return read, errors.Join(wrong...)
		case err != nil:
			return read, err
		}
		for _, c := range containersIn(document) {
			read++
			if err := c.startable(); err != nil {
				wrong = append(wrong, fmt.Errorf("%s %q: %w", c.image, c.words, err))
			}
		}
	}
}

// container is what is started of an image, by the words behind its entry point.
type container struct {
	image string
	words []string
}

// containersIn are whatever has an image, wherever it stands.
func containersIn(node any) (all []container) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			all = append(all, containersIn(child)...)
		}
	case map[string]any:
		image, ok := n["image"].(string)
		if !ok {
			for _, child := range n {
				all = append(all, containersIn(child)...)
			}
			return all
		}
		c := container{image: image}
		for _, key := range []string{"entrypoint", "command", "args"} {
			switch words := n[key].(type) {
			case string:
				split, _ := shellWords(words)
				c.words = append(c.words, split...)
			case []any:
				for _, word := range words {
					c.words = append(c.words, fmt.Sprint(word))
				}
			}
		}
		return []container{c}
	}
	return all
}

// startable says why what is in the image would not take its words.
func (c container) startable() error {
	image, _, _ := strings.Cut(c.image, ":")
	switch {
	case len(c.words) == 3 && slices.Equal(c.words[:2], []string{"/bin/sh", "-c"}):
		line := strings.TrimPrefix(arithmetic.ReplaceAllString(c.words[2], "1"), "exec ")
		if !strings.HasPrefix(line, "sagacheck ") {
			return errors.New("expected the shell to start sagacheck")
		}
		return readable(line, false)
	case image == "sagacheck":
		return sagacheckTakes(c.words, false)
	case image == "nats":
		flags, ignore := flag.NewFlagSet("nats-server", flag.ContinueOnError), func() {}
		flags.SetOutput(io.Discard)
		_, err := nats.ConfigureOptions(flags, c.words, ignore, ignore, ignore)
		return err
	}
	return errors.New("expected an image whose flags this test knows")
}
