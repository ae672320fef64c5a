package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// masks are what differs from run to run: ids of runs, cells and orders, times, what they are drawn as, and the
// figures of a run with a time.
var masks = []struct{ of, is string }{
	{`\b[0-9]{8}-[0-9]{6}-`, "RUN-"},
	{`\b[0-9]{8}-[a-z0-9]{12}\b`, "ORDER"},
	{`\b[a-z0-9]{5,6}-[0-9]{4}\b`, "CELL"},
	{`\bi-[0-9]+\b`, "ITEM"},
	{`\b[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9:]+)?`, "DAY"},
	{`\b[0-9.]+ ?(ms|s|m[0-9.]+s)\b`, "TIME"},
	{`\b[0-9a-f]{12}\b`, "DIGEST"},
	{`\bp-DIGEST`, "PLAN"},
	{`\bat risk [0-9]+ times`, "at risk N times"},
	{`reference [0-9a-z.+-]+ with`, "reference with"},
	{`127\.0\.0\.1:[0-9]+`, "ADDRESS"},
	{`[─═]+`, "─"},
	{` +`, " "},
	{`^TIME \S+ → client reports (running|\w+ \((running|compensating)\))$`, ""}, // it asks when it comes to it
}

func masked(line string) string {
	line = strings.TrimSpace(line)
	for _, m := range masks {
		line = regexp.MustCompile(m.of).ReplaceAllString(line, m.is)
	}
	return line
}

// counts are the lines that count what a smaller run has less of.
var counts = regexp.MustCompile(`^ +also: [0-9]+ more cells|^(PASS|VIOLATION|VACUOUS|INCOMPLETE) · `)

// shown is what a line has to print: what the page shows, and of a line that is run smaller the
// counts left open.
func (p printed) shown() []string {
	if p.with == "" {
		return p.output
	}
	shown := slices.Clone(p.output)
	for i, line := range shown {
		if counts.MatchString(line) {
			shown[i] = "…"
		}
	}
	return shown
}

// notPrinted is the first part of what a page shows that was not printed. Blank lines apart, it is printed
// in one piece, from the first line to the last, in whatever order, as what is done side by side is told as it came; a
// line … stands for any number of lines, and before it and behind it are pieces of their own.
func notPrinted(shown []string, out string) (missing string) {
	if len(shown) == 0 {
		return ""
	}
	var all []string
	for line := range strings.Lines(out) {
		if m := masked(line); m != "" {
			all = append(all, m)
		}
	}
	at, open := 0, false // from where on; whether lines may come before
	for len(shown) > 0 {
		end := slices.IndexFunc(shown, func(line string) bool { return strings.TrimSpace(line) == "…" })
		last := end < 0
		if last {
			end = len(shown)
		}
		var part []string
		for _, line := range shown[:end] {
			if m := masked(line); m != "" {
				part = append(part, m)
			}
		}
		slices.Sort(part)
		found := -1
		for i := at; i+len(part) <= len(all) && (open || i == at); i++ {
			if slices.Equal(slices.Sorted(slices.Values(all[i:i+len(part)])), part) && (!last || i+len(part) == len(all)) {
				found = i
				break
			}
		}
		if found < 0 {
			return strings.Join(shown[:end], "\n")
		}
		at, open, shown = found+len(part), true, shown[min(end+1, len(shown)):]
	}
	return ""
}

func TestNotPrinted(t *testing.T) {
	const out = "one\n 0.5 ms  orchestrator → client  reports running\ntwo\n\nin 3 ms\nfour\nPASS · 7 cells\n"
	for _, c := range []struct{ shown, missing string }{
		{"one|two|in 5.1 s|four|PASS · 7 cells", ""},
		{"…|in 5.1 s|…", ""},
		{"one|…|four|…", ""},
		{"…|PASS · 7 cells", ""},
		{"one|…|two|…|four|PASS · 7 cells", ""},
		{"two|one|…", ""},                              // in one piece
		{"two|…", "two"},                               // not the first line
		{"one|…|four", "four"},                         // not the last line
		{"one|four|…", "one|four"},                     // not in one piece
		{"…|four|…|two|…", "two"},                      // in another order
		{"one|two|…|PASS · 8 cells", "PASS · 8 cells"}, // other figures
	} {
		shown := strings.Split(c.shown, "|")
		if got := strings.ReplaceAll(notPrinted(shown, out), "\n", "|"); got != c.missing {
			t.Errorf("%s: missing %q, expected %q", c.shown, got, c.missing)
		}
	}
	if s := (printed{output: []string{"one", "PASS · 548 cells · 4s"}, with: "--shard 1/40"}).shown(); notPrinted(s, out) != "" {
		t.Errorf("%q of a smaller run", s)
	}
}
