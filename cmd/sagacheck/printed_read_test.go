package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command line that a page prints, in a block or within a sentence, is one that the program
// takes: its commands and flags are there, and their values and arguments of the right kind.
func TestPagesPrintValidCommands(t *testing.T) {
	read := 0
	for _, page := range pagesOfDocs(t) {
		text := readPage(t, page)
		blocks, err := printedBlocks(page, text)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, b := range blocks {
			for _, p := range b.lines {
				read++
				if err := readable(p.text, false); err != nil {
					t.Errorf("%s: %s: %v", p.at, p.text, err)
				}
			}
		}
		for _, line := range within(text) {
			read++
			if err := readable(line, true); err != nil {
				t.Errorf("%s: `%s`: %v", page, line, err)
			}
		}
	}
	t.Logf("%d command lines read", read)
}

var (
	fenced = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	inCode = regexp.MustCompile("`(?:[A-Z_]+=\\S+ )*(sagacheck [^`]+)`")
	inYAML = regexp.MustCompile(`(?m)(?:run|script): +(sagacheck .*)$`)
)

// within are the command lines in the sentences of a page, and in the files of CI systems that it shows.
func within(text string) (lines []string) {
	for _, m := range inCode.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		lines = append(lines, strings.Join(strings.Fields(m[1]), " "))
	}
	for _, m := range inYAML.FindAllStringSubmatch(text, -1) {
		lines = append(lines, m[1])
	}
	return lines
}

// A job that starts a server in the background has the run wait for it: it was refused connections.
func TestJobsWaitForTheirServers(t *testing.T) {
	started := regexp.MustCompile(`(?m)run: .* &\n.*run: (sagacheck .*)$`)
	found := 0
	for _, page := range pagesOfDocs(t) {
		for _, m := range started.FindAllStringSubmatch(readPage(t, page), -1) {
			if found++; !strings.Contains(m[1], " --wait-for http") {
				t.Errorf("%s: %s: expected --wait-for URL", page, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no job starts a server")
	}
}

// readable says why a command line can't be. In part: arguments may be missing, and flags without a value.
func readable(text string, part bool) error {
	all, _ := shellWords(text)
	for len(all) > 0 {
		end := slices.IndexFunc(all, func(w string) bool { return strings.Contains("|&;", w) })
		if end < 0 {
			end = len(all)
		}
		command := all[:end]
		all = all[min(end+1, len(all)):]
		if at := slices.Index(command, ">"); at >= 0 {
			command = command[:at]
		}
		for len(command) > 0 && assignment.MatchString(command[0]+" ") {
			command = command[1:]
		}
		if len(command) == 0 {
			continue
		}
		if err := takes(command, part); err != nil {
			return err
		}
	}
	return nil
}

// takes says why a program would not take its arguments, as far as we know the program.
func takes(command []string, part bool) error {
	switch command[0] {
	case "sagacheck", "bin/sagacheck":
		return sagacheckTakes(command[1:], part)
	case "make":
		makefile, err := os.ReadFile("../../Makefile")
		if err != nil {
			return err
		}
		for _, target := range command[1:] {
			if !strings.Contains(target, "=") && !strings.Contains(string(makefile), "\n"+target+":") {
				return fmt.Errorf("the Makefile has no target %q", target)
			}
		}
	case "go":
		for _, word := range command[2:] {
			if folder, ok := strings.CutPrefix(word, "./"); ok && !strings.Contains(word, "...") && command[1] == "test" {
				if _, err := os.Stat(filepath.Join("../..", folder)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func sagacheckTakes(args []string, part bool) error {
	root := newRoot(process{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }})
	root.InitDefaultCompletionCmd(append(args, "")...)
	root.InitDefaultHelpCmd()
	args = withoutOpen(args, part)
	c, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	c.InitDefaultHelpFlag()
	if n := len(rest); part && n > 0 && strings.HasPrefix(rest[n-1], "--") && !strings.Contains(rest[n-1], "=") {
		if c.Flag(rest[n-1][2:]) == nil { // its value is left open
			return fmt.Errorf("%s has no flag %s", c.CommandPath(), rest[n-1])
		}
		rest = rest[:n-1]
	}
	for i, word := range rest {
		if part && strings.HasPrefix(word, "-") && i+1 < len(rest) && isName.MatchString(rest[i+1]) {
			if f := c.Flag(strings.TrimLeft(word, "-")); f != nil && f.NoOptDefVal == "" {
				rest[i+1] = nameOf(f.Value.Type())
			}
		}
	}
	if err := c.ParseFlags(rest); err != nil {
		return fmt.Errorf("%s: %w", c.CommandPath(), err)
	}
	if help, _ := c.Flags().GetBool("help"); help || part && c.Flags().NArg() == 0 || c.Flags().NArg() == 0 && c.HasSubCommands() {
		return nil
	}
	if err := c.ValidateArgs(c.Flags().Args()); err != nil {
		return err
	}
	return valuesOf(c)
}

// withoutOpen are the words of a command line without what it leaves open: … is a value behind a flag, and
// further words elsewhere.
func withoutOpen(args []string, part bool) (kept []string) {
	for i, word := range args {
		behind := !part && i > 0 && strings.HasPrefix(args[i-1], "--") && !strings.Contains(args[i-1], "=")
		if word != "…" || behind {
			kept = append(kept, word)
		}
	}
	return kept
}

var isName = regexp.MustCompile(`^[A-Z]+$`) // of what the reader puts in its place

// nameOf is a value of a flag that a sentence calls by a name only.
func nameOf(kind string) string {
	switch kind {
	case "duration":
		return "1s"
	case "int", "uint", "uint64", "float64":
		return "1"
	}
	return "x"
}

// valuesOf says which value of a flag is none of those that it has, if they are few, or no name of its catalogue.
func valuesOf(c *cobra.Command) error {
	for name, known := range wordsOf {
		if f := c.Flags().Lookup(name); f != nil && f.Changed && !isName.MatchString(f.Value.String()) {
			for _, word := range strings.Split(strings.Trim(f.Value.String(), "[]"), ",") {
				if !slices.ContainsFunc(strings.Split(word, "|"), func(w string) bool { return slices.Contains(known, w) }) {
					return fmt.Errorf("--%s %s: expected one of %v", name, word, known)
				}
			}
		}
	}
	for name, catalogue := range catalogueOf {
		f := c.Flags().Lookup(name)
		if f == nil || !f.Changed || name == "orchestrator" || c.Flags().Changed("pack") {
			continue
		}
		entries, err := catalogues[catalogue]()
		if err != nil {
			return err
		}
		globs := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			globs = list.GetSlice()
		}
		for _, glob := range globs {
			theirs := strings.HasSuffix(glob, ".yaml") || strings.HasPrefix(glob, "my-") || isName.MatchString(glob)
			if !theirs && !slices.ContainsFunc(entries, func(e entry) bool { ok, _ := path.Match(glob, e.Name); return ok }) {
				return fmt.Errorf("--%s %s: there is none in the catalogue", name, glob)
			}
		}
	}
	return nil
}
