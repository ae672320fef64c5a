package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// says runs sagacheck, expects that exit code, and returns what it says.
func says(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if got := run(t.Context(), process{args: args, stdout: &out, stderr: &out, getenv: func(string) string { return "" }}); got != code {
		t.Errorf("%v: exit %d, expected %d\n%s", args, got, code, out.String())
	}
	return out.String()
}

// ofOneStep is a saga with a single call.
func ofOneStep(id, url string) saga.Definition {
	policy := saga.RetryPolicy{MaxAttempts: 3, Multiplier: 1, AttemptTimeoutMS: 60_000}
	return saga.Definition{ID: id, Steps: []saga.Step{{Name: "a", Kind: saga.Retriable, Action: saga.Call{URL: url, Retry: policy}}}}
}

// A token of white space alone is none, however it is given.
func TestBlankToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token.txt")
	if err := os.WriteFile(file, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{" ", "@" + file} {
		if out := says(t, 3, "reference", "serve", "--addr", "nowhere", "--token", token); !strings.Contains(out, "is empty") {
			t.Errorf("%q: %s", token, out)
		}
	}
}

// Who is never asked can't be repaired.
func TestRepairsNeedQuestions(t *testing.T) {
	out := says(t, 3, "reference", "serve", "--addr", "nowhere", "--reconcile-every", "0", "--reconcile-repair")
	if !strings.Contains(out, "--reconcile-repair: expected --reconcile-every of more than 0") {
		t.Error(out)
	}
}

// What can't be read is shown, is set aside, and is gone; what can be read is left alone.
func TestReferenceRepair(t *testing.T) {
	store := filepath.Join(t.TempDir(), "saga.db")
	hold := make(chan struct{})
	p := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer p.Close()
	defer close(hold)
	e, err := reference.Open(t.Context(), reference.Options{StoreDSN: store})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"bad", "good"} {
		if err := e.Submit(t.Context(), ofOneStep(id, p.URL)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE journal SET records = '{' WHERE saga = 'bad'`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	in := []string{"reference", "--store", store}
	inspect := func(code int, args ...string) string {
		return says(t, code, append(append(in[:1:1], "inspect"), append(args, in[1:]...)...)...)
	}
	repair := func(code int, args ...string) string {
		return says(t, code, append(append(in[:1:1], "repair"), append(args, in[1:]...)...)...)
	}
	if out := inspect(results.ExitPass); !strings.Contains(out, "bad  stuck") || !strings.Contains(out, "can't be read:") || !strings.Contains(out, "good  running") {
		t.Error(out)
	}
	if out := repair(results.ExitUsage, "bad", "--how", "throw-away"); !strings.Contains(out, `"throw-away": expected keep-readable or set-aside`) {
		t.Error(out)
	}
	if out := repair(results.ExitSystem, "good", "--how", "set-aside"); !strings.Contains(out, `saga "good" can be read`) {
		t.Error(out)
	}
	if out := repair(results.ExitPass, "bad", "--how", "set-aside"); out != "bad: done\n" {
		t.Error(out)
	}
	if out := inspect(results.ExitPass); strings.Contains(out, "bad") || !strings.Contains(out, "good  running") {
		t.Error(out)
	}
	inspect(results.ExitSystem, "bad")
}

// --drain bounds how long a call that brings no answer holds up the end.
func TestReferenceDrain(t *testing.T) {
	called, hold := make(chan struct{}, 1), make(chan struct{})
	p := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		called <- struct{}{}
		<-hold
	}))
	defer p.Close()
	defer close(hold)
	ctx, interrupt := context.WithCancel(t.Context())
	said, out := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		args := []string{"reference", "serve", "--addr", "127.0.0.1:0", "--log", "off", "--drain", "200ms"}
		ended <- run(ctx, process{args: args, stdout: out, stderr: io.Discard, getenv: func(string) string { return "" }})
	}()
	var base string
	if _, err := fmt.Fscanf(said, "serving the contract on %s\n", &base); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(ofOneStep("s", p.URL))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(base+"/sagas", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatal(resp.Status, err)
	}
	<-called
	began := time.Now()
	interrupt()
	if code := <-ended; code != results.ExitPass {
		t.Error("exit", code)
	}
	if waited := time.Since(began); waited < 200*time.Millisecond {
		t.Error("the call under way had only", waited)
	}
	if _, err := http.Get(base + "/healthz"); err == nil {
		t.Error("still there")
	}
}
