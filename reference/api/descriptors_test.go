package api

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
)

// With few descriptors, and a client that holds as many connections as it gets with
// half a request each, every healthy saga completes.
func TestFewDescriptors(t *testing.T) {
	hold := make(chan struct{})
	p := testparticipant.New(t, func(testparticipant.Call) int { <-hold; return 0 })
	log, err := os.Create(filepath.Join(t.TempDir(), "victim.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	addr := freeAddr(t)
	cmd := exec.Command("sh", "-c", `ulimit -n 128; exec "$0" -test.run='^$'`, os.Args[0])
	cmd.Env = append(os.Environ(), victimStore+"="+filepath.Join(t.TempDir(), "s.db"), victimAddr+"="+addr, victimClock+"=0s")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	s := &server{base: "http://" + addr}
	s.health(t, "ready")
	for range 60 { // half requests
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "POST /sagas HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	}
	const n = 40
	for i := range n {
		d := p.Define("s"+strconv.Itoa(i), "a compensatable -", "b compensatable -", "c compensatable -", "d compensatable -")
		for k := range d.Steps {
			d.Steps[k].Action.Retry.MaxAttempts = 1
			d.Steps[k].Action.Retry.AttemptTimeoutMS = 60_000
		}
		text := testparticipant.JSON(t, d)
		s.untilAnswered(t, "POST", "/sagas", text, 202)
		if i == n/2 {
			close(hold)
		}
	}
	for i := range n {
		for body := ""; !strings.Contains(body, `"status":"completed"`); {
			if body = s.untilAnswered(t, "GET", "/sagas/s"+strconv.Itoa(i), "", 200); strings.Contains(body, "compensat") {
				t.Fatal(body)
			}
		}
	}
	if t.Failed() {
		return
	}
	p.Mu.Lock()
	defer p.Mu.Unlock()
	if len(p.Calls) != 4*n {
		t.Error(len(p.Calls), "calls")
	}
}

// untilAnswered asks again while there is no room.
func (s *server) untilAnswered(t *testing.T, method, path, body string, want int) string {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		code, answer, err := tryRequest(t, method, s.base+path, body)
		if code == want {
			return answer
		}
		if code != 0 && code != 503 || time.Now().After(end) {
			t.Fatal(method, path, code, answer, err)
		}
	}
}
