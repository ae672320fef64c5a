package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Each command line of the pages does what its page says: it ends with the exit code, and prints
// the lines, that stand there. How many are run, and why others are not, is told with -v.
func TestPrintedLines(t *testing.T) {
	t.Parallel()
	ran, not := 0, map[string]int{}
	for _, page := range pagesOfDocs(t) {
		blocks, err := printedBlocks(page, readPage(t, page))
		if err != nil {
			t.Error(err)
			continue
		}
		runs := 0
		for _, b := range blocks {
			for _, p := range b.lines {
				if reason := b.said("not run", p); reason != "" {
					not[reason]++
				} else {
					runs++
				}
			}
		}
		ran += runs
		if runs > 0 {
			t.Run(page, func(t *testing.T) {
				t.Parallel()
				tellStory(t, page, blocks)
			})
		}
	}
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(not)) {
		why = append(why, fmt.Sprintf("%d %s", not[reason], reason))
	}
	t.Logf("%d command lines run; only read: %s", ran, strings.Join(why, ", "))
}

// story is what has become of a page's folder by its lines.
type story struct {
	t       *testing.T
	dir     string
	env     []string
	state   string            // a file: the working folder and the variables, as the last line left them
	ports   map[string]string // free ones, by those of the page
	serving *exec.Cmd         // what serves in the background: one at a time
	ended   chan struct{}
}

// tellStory runs the lines of a page.
func tellStory(t *testing.T, page string, blocks []block) {
	began := time.Now()
	s := begin(t, page)
	defer s.stopServing()
	for _, b := range blocks { // they may stand below the lines that read them
		if b.file != "" {
			s.write(b.file, b.text)
		}
	}
	for _, b := range blocks {
		for _, m := range b.marks {
			if m.key == "before" {
				s.run(printed{at: m.at, text: m.value}, 0)
			}
		}
		for _, p := range b.lines {
			if b.said("not run", p) != "" {
				continue
			}
			code, err := strconv.Atoi(b.said("exits", p))
			if b.said("exits", p) != "" && err != nil {
				t.Fatalf("%s: exits: %v", p.at, err)
			}
			for _, m := range b.marks {
				if m.key == "for …" {
					p.text = strings.Replace(p.text, " … ", " "+m.value+" ", 1)
				}
			}
			p.with = b.said("with", p)
			s.run(p, code)
		}
	}
	t.Logf("%s took %v", page, time.Since(began).Round(time.Millisecond))
}

// begin makes the folder of a page: a README's is the folder that it stands in; in another one are
// the examples of the repository.
func begin(t *testing.T, page string) *story {
	t.Helper()
	s := &story{t: t, dir: t.TempDir(), ports: map[string]string{}}
	for _, folder := range []string{"examples", "packs"} {
		if err := os.CopyFS(filepath.Join(s.dir, folder), os.DirFS(filepath.Join("../..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	work := s.dir
	if strings.HasPrefix(page, "examples/") {
		work = filepath.Join(s.dir, filepath.Dir(page))
	}
	s.state = filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(s.state, []byte("cd '"+work+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	of := strings.Fields(string(caches))
	s.env = append(os.Environ(), "HOME="+filepath.Join(s.dir, "home"), "GOCACHE="+of[0], "GOMODCACHE="+of[1], "GOPATH="+of[2], "COLUMNS=120", "STATE="+s.state)
	return s
}

func (s *story) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		s.t.Fatal(err)
	}
}

var (
	serves  = regexp.MustCompile(`^sagacheck (reference|report) serve|^go run ./stubs`)
	address = regexp.MustCompile(`127\.0\.0\.1:([0-9]+)`)
	cellOf  = regexp.MustCompile(`-[a-z0-9]{2,6}-[0-9]{4}\b|….yaml`) // of a replay file of another run
)

// run runs one line, which has to end with a code, and to print what the page shows.
func (s *story) run(p printed, code int) {
	s.t.Helper()
	line := address.ReplaceAllStringFunc(p.text, func(a string) string { return "127.0.0.1:" + s.port(address.FindStringSubmatch(a)[1]) })
	if strings.Contains(line, "/failures/") {
		line = cellOf.ReplaceAllString(line, "-*")
		line = regexp.MustCompile(`(failures/\S*-\*)(\.yaml)?\S*`).ReplaceAllString(line, "$1.yaml")
		line = strings.ReplaceAll(line, "failures/-*", "failures/*")
	}
	if cat, ok := strings.CutPrefix(line, "cat "); ok && len(p.output) > 0 {
		if _, err := os.Stat(filepath.Join(s.dir, cat)); errors.Is(err, fs.ErrNotExist) { // so the page says what is in it
			s.write(cat, strings.Join(p.output, "\n")+"\n")
		}
	}
	if p.with != "" {
		line += " " + p.with
	}
	if serves.MatchString(line) {
		s.serve(p, line)
		return
	}
	if strings.Contains(line, "--store ") { // which one executor holds
		s.stopServing()
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := s.command(ctx, line, &out)
	err := cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code || ctx.Err() != nil {
		s.t.Fatalf("%s: %s: exit %d (%v), expected %d\n%s", p.at, line, got, err, code, out.String())
	}
	if missing := notPrinted(p.shown(), out.String()); missing != "" {
		s.t.Errorf("%s: %s: does not print, in one piece and there\n%s\nbut\n%s", p.at, line, missing, out.String())
	}
}

// command is a line for bash, that begins where the line before has ended.
func (s *story) command(ctx context.Context, line string, out io.Writer) *exec.Cmd {
	const script = `. "$STATE"; eval "$1"; code=$?; { printf 'cd %q\n' "$PWD"; export -p | grep -v 'x STATE='; } >"$STATE"; exit $code`
	cmd := exec.CommandContext(ctx, "bash", "-c", script, "bash", line)
	cmd.Env, cmd.Dir = s.env, s.dir
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// port is a free port for one that a page names, the same each time.
func (s *story) port(theirs string) string {
	if s.ports[theirs] == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.t.Fatal(err)
		}
		_, s.ports[theirs], _ = net.SplitHostPort(l.Addr().String())
		if err := l.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.ports[theirs]
}

// serve starts a line that serves until it is ended, and waits until it says that it does.
func (s *story) serve(p printed, line string) {
	s.t.Helper()
	s.stopServing()
	if strings.HasPrefix(line, "sagacheck reference serve") && !strings.Contains(line, "--addr") {
		line += " --addr 127.0.0.1:" + s.port("8080") // the default
	}
	read, write, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.serving, s.ended = s.command(context.Background(), "exec "+line, write), make(chan struct{})
	err = s.serving.Start()
	_ = write.Close() // the process has its own
	if err != nil {
		s.t.Fatalf("%s: %v", p.at, err)
	}
	said := make(chan string, 1)
	go func() {
		defer read.Close()
		var all strings.Builder
		lines := bufio.NewScanner(read)
		for lines.Scan() && !address.MatchString(lines.Text()) {
			all.WriteString(lines.Text() + "\n")
		}
		said <- all.String() + lines.Text() // without an address where it ended
		_, _ = io.Copy(io.Discard, read)
	}()
	go func() {
		defer close(s.ended)
		_ = s.serving.Wait() // by a signal, or not: some programs end with a code then
	}()
	select {
	case text := <-said:
		if !address.MatchString(text) {
			s.t.Fatalf("%s: %s: says %q, and no address", p.at, line, text)
		}
	case <-time.After(time.Minute):
		s.t.Fatalf("%s: %s: says nothing", p.at, line)
	}
}

// stopServing ends what serves, as Ctrl-C does.
func (s *story) stopServing() {
	if s.serving == nil {
		return
	}
	_ = syscall.Kill(-s.serving.Process.Pid, syscall.SIGINT) // it may have ended
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-s.serving.Process.Pid, syscall.SIGKILL)
		s.t.Errorf("%v did not end by SIGINT", s.serving.Args)
	}
	s.serving = nil
}
