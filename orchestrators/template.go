package orchestrators

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// vars are the values of the templates of a manifest:
//
//	${port.NAME}  a free port of 127.0.0.1, drawn at start, the same all along
//	${proxy.NAME} host:port of a proxy of the manifest
//	${dir}        the data folder of this start: what the engine stores
//	${engine}     the folder of the installed engine
//	${bin}        ${engine}/bin
//	${self}       the sagacheck program
//	${otlp}       where traces are to go, if the manifest has telemetry.traces
type vars map[string]string

// Template is ${name} in a text, and the name: of a manifest, or of a workflow's file.
var Template = regexp.MustCompile(`\$\{\s*([^{}]*?)\s*\}`)

// braces are how templates were written once: they would be passed on as they are.
var braces = regexp.MustCompile(`\{\{\s*((?:port|proxy)\.[^{}]*?|dir|engine|bin|self)\s*\}\}`)

var portName = regexp.MustCompile(`^port\.([a-z0-9_-]+)$`)

// IsPort tells whether the name of a template is that of a port: port.http.
func IsPort(name string) bool { return portName.MatchString(name) }

// checkTemplate refuses templates of unknown names.
func (m *Manifest) checkTemplate(t templated) error {
	if found := braces.FindStringSubmatch(t.text); found != nil {
		return fmt.Errorf("%q: expected ${%s}", found[0], found[1])
	}
	for _, found := range Template.FindAllStringSubmatch(t.text, -1) {
		switch name := found[1]; name {
		case "dir", "engine", "bin", "self":
		case "otlp":
			if m.Telemetry == nil || m.Telemetry.Traces == nil {
				return fmt.Errorf("%q: expected telemetry.traces, which says what comes there", found[0])
			}
		default:
			proxy, ok := strings.CutPrefix(name, "proxy.")
			switch {
			case IsPort(name):
			case !ok:
				return fmt.Errorf("%q: expected ${port.NAME}, ${proxy.NAME}, ${dir}, ${engine}, ${bin} or ${self}", found[0])
			case strings.HasPrefix(t.path, "proxies["):
				return fmt.Errorf("%q: a proxy can't stand behind another", found[0])
			case !slices.ContainsFunc(m.Proxies, func(p Proxy) bool { return p.Name == proxy }):
				return fmt.Errorf("%q: expected the name of one of the proxies", found[0])
			}
		}
	}
	return nil
}

func (v vars) fill(s string) string {
	return Template.ReplaceAllStringFunc(s, func(t string) string {
		return v[Template.FindStringSubmatch(t)[1]]
	})
}

func (v vars) fillAll(ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = v.fill(s)
	}
	return out
}

// fillEnv gives "K=V" in the order of the keys.
func (v vars) fillEnv(env map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+v.fill(env[k]))
	}
	return out
}

// templated is a string of a manifest that may hold templates.
type templated struct{ path, text string }

// templates are all of them, with the paths of their fields.
func (m *Manifest) templates() []templated {
	t := []templated{{"base", m.Base}, {"store", m.Store}, {"definitions", m.Definitions}}
	for i, p := range m.Proxies {
		t = append(t, templated{fmt.Sprintf("proxies[%d].upstream", i), p.Upstream})
	}
	for i, p := range m.Processes {
		at := fmt.Sprintf("processes[%d].", i)
		for j, c := range p.Command {
			t = append(t, templated{fmt.Sprintf("%scommand[%d]", at, j), c})
		}
		for k, v := range p.Env {
			t = append(t, templated{at + "env." + k, v})
		}
		t = append(t, templated{at + "dir", p.Dir}, templated{at + "ready.url", p.Ready.URL}, templated{at + "ready.tcp", p.Ready.TCP})
	}
	if m.Telemetry != nil {
		t = append(t, templated{"telemetry.metrics", m.Telemetry.Metrics})
	}
	if m.Install != nil {
		for i, c := range m.Install.Commands {
			for j, r := range c.Run {
				t = append(t, templated{fmt.Sprintf("install.commands[%d].run[%d]", i, j), r})
			}
		}
	}
	if c := m.Container; c != nil {
		for i, a := range c.Command {
			t = append(t, templated{fmt.Sprintf("container.command[%d]", i), a})
		}
		for k, v := range c.Env {
			t = append(t, templated{"container.env." + k, v})
		}
		for from := range c.Files {
			t = append(t, templated{"container.files", from})
		}
		t = append(t, templated{"container.ready.url", c.Ready.URL})
	}
	return t
}

// ports are the names of the ports that the manifest asks for.
func (m *Manifest) ports() []string {
	names := map[string]bool{}
	for _, t := range m.templates() {
		for _, s := range Template.FindAllStringSubmatch(t.text, -1) {
			if p := portName.FindStringSubmatch(s[1]); p != nil {
				names[p[1]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
