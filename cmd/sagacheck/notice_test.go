package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const noticeHead = `Sagacheck
Copyright 2026 The Sagacheck authors

This product is licensed under the Apache License, Version 2.0: see LICENSE.

The program has parts of others in it. Which they are, and under which licences, stands
here, for all systems that it is built for; their versions stand in go.mod, and
"go version -m sagacheck" prints those of a program.
The source of each module is had by its path, from the Go module proxy among others.

(generated from what is built in; run: make docs)

`

// isLicence tells the files that have to go with what is built in.
var isLicence = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)`)

// licences are what a text says of one that may go into the program. A text under another one
// belongs before a person, and then here.
var licences = []struct{ name, says string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"MIT", "Permission is hereby granted, free of charge, to any person"},
	{"BSD-3-Clause", "name of the copyright holder nor the names of its contributors"},
	{"BSD-3-Clause", "Neither the name"},
	{"BSD-3-Clause", "names of its contributors may not be used"},
	{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
	{"ISC", "Permission to use, copy, modify, and/or distribute"},
	{"public domain", "released into the public domain"},
}

// licenceOf is the name of the licence that a text is, or "".
func licenceOf(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	for _, l := range licences {
		if strings.Contains(words, l.says) {
			return l.name
		}
	}
	return ""
}

// notice collects texts that modules ask for, each text once.
type notice struct {
	names map[string][]string // of a module, its licences
	users map[string][]string // of the words of a text, who asks for it
	texts map[string]string   // of the words of a text, the text as the first has it
}

func newNotice() *notice {
	return &notice{names: map[string][]string{}, users: map[string][]string{}, texts: map[string]string{}}
}

// add takes in the texts of a folder of a module.
func (n *notice) add(module, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !isLicence.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		text := strings.TrimSpace(strings.ReplaceAll(string(b), "\r", ""))
		if name := licenceOf(text); name != "" && !slices.Contains(n.names[module], name) {
			n.names[module] = append(n.names[module], name)
		}
		words := strings.Join(strings.Fields(text), " ")
		if n.texts[words] == "" {
			n.texts[words] = text
		}
		if !slices.Contains(n.users[words], module) {
			n.users[words] = append(n.users[words], module)
		}
	}
	return nil
}

// render is the file, or an error that names the modules whose licence nobody knows.
func (n *notice) render() ([]byte, error) {
	b := bytes.NewBufferString(noticeHead)
	for _, module := range slices.Sorted(maps.Keys(n.names)) {
		if len(n.names[module]) == 0 {
			return nil, fmt.Errorf("%s: its folders hold no licence that is known here", module)
		}
		slices.Sort(n.names[module])
		fmt.Fprintf(b, "    %s: %s\n", module, strings.Join(n.names[module], ", "))
	}
	all := slices.SortedFunc(maps.Keys(n.users), func(x, y string) int {
		return strings.Compare(n.users[x][0]+x, n.users[y][0]+y)
	})
	for _, words := range all {
		fmt.Fprintf(b, "\n%s\n\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(n.users[words], "\n"), n.texts[words])
	}
	return b.Bytes(), nil
}

// built are the systems and processors that a release is built for.
func built(t *testing.T) (targets [][2]string) {
	t.Helper()
	b, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Builds []struct{ Goos, Goarch []string }
	}
	if err := yaml.Unmarshal(b, &config); err != nil {
		t.Fatal(err)
	}
	for _, build := range config.Builds {
		for _, system := range build.Goos {
			for _, arch := range build.Goarch {
				targets = append(targets, [2]string{system, arch})
			}
		}
	}
	return targets
}

// packagesFor are the packages of others that are built in for a target: lines of module, its
// folder, and the folder of the package, separated by tabs.
func packagesFor(t *testing.T, system, arch string) []string {
	t.Helper()
	const format = "{{if not (or .Standard .Module.Main)}}{{.Module.Path}}\t{{.Module.Dir}}\t{{.Dir}}{{end}}"
	cmd := exec.Command("go", "list", "-deps", "-f", format, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s/%s: %v\n%s", system, arch, err, stderr.Bytes())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// NOTICE has the licences of all that is built in.
func TestPageNotice(t *testing.T) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	standard := strings.TrimSpace(string(goroot))
	packages := []string{"Go\t" + standard + "\t" + standard}
	for _, target := range built(t) {
		packages = append(packages, packagesFor(t, target[0], target[1])...)
	}
	slices.Sort(packages)
	n := newNotice()
	looked := map[string]bool{}
	for _, line := range slices.Compact(packages) {
		fields := strings.Split(line, "\t")
		module, root := fields[0], fields[1]
		if !looked[root] {
			n.names[module] = nil
		}
		for dir := fields[2]; len(dir) >= len(root); dir = filepath.Dir(dir) {
			if looked[dir] {
				continue
			}
			looked[dir] = true
			if err := n.add(module, dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := n.render()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("../../NOTICE", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile("../../NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("NOTICE is stale: run make docs")
	}
}

// A module whose licence nobody has looked at does not come in unseen.
func TestNoticeRefusesUnknownLicences(t *testing.T) {
	dir := t.TempDir()
	n := newNotice()
	n.names["example.org/odd"] = nil
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("All rights reserved."), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := n.add("example.org/odd", dir); err != nil {
		t.Fatal(err)
	}
	if _, err := n.render(); err == nil || !strings.Contains(err.Error(), "example.org/odd") {
		t.Errorf("%v: expected the name of the module", err)
	}
}
