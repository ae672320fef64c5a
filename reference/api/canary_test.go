package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/catalogue"
	"github.com/sagacheck/sagacheck/saga"
)

// canaryFile is a file of definitions in which version 2 of order has a share, and calls another step first.
func canaryFile(p *testparticipant.Participant, share, canary string) string {
	step := func(name string) string {
		return fmt.Sprintf(`{name: %s, kind: compensatable, action: {url: "%s/%s", retry: {max_attempts: 0, initial_interval_ms: 5, multiplier: 1, max_interval_ms: 5, jitter: 0, attempt_timeout_ms: 5000}}}`, name, p.URL, name)
	}
	return fmt.Sprintf("sagas:\n  order:\n    - version: \"1\"\n      steps: [%s, %s]\n    - version: \"2\"\n      share: %s\n      steps: [%s, %s]\n",
		step("old"), step("last"), share, step(canary), step("last"))
}

// starter is a client of a server that starts sagas by their name.
type starter struct {
	*testing.T
	base string
}

// post sends a body until somebody answers.
func (c starter) post(body string) int {
	c.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		resp, err := http.Post(c.base+"/sagas", "application/json", strings.NewReader(body))
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusServiceUnavailable {
				return resp.StatusCode
			}
		}
		if time.Now().After(deadline) {
			c.Fatalf("%s: %v", body, err)
		}
	}
}

func (c starter) named(id, name string) int {
	return c.post(fmt.Sprintf(`{"id": %q, "name": %q}`, id, name))
}

func (c starter) report(id string) (r saga.Report) {
	c.Helper()
	resp, err := http.Get(c.base + "/sagas/" + id)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// completed is the report of a saga that has.
func (c starter) completed(id string) saga.Report {
	c.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if r := c.report(id); r.Status == saga.Completed {
			return r
		} else if time.Now().After(deadline) {
			c.Fatalf("%s: %+v", id, r)
		}
	}
}

// Sagas that were started by their name keep what they have got when the executor is killed and begins anew with
// another file: its versions and shares are for new ones, and the same start again is no other.
func TestCanaryOverAKill(t *testing.T) {
	hold := make(chan struct{})
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "last" {
			<-hold
		}
		return 0
	})
	dir := t.TempDir()
	log, err := os.Create(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n := &node{store: dir + "/saga.db", addr: freeAddr(t), log: log, sagas: dir + "/sagas.yaml"}
	write := func(text string) {
		if err := os.WriteFile(n.sagas, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(canaryFile(p, "50%", "canary"))
	n.start(t, 0)
	c := starter{t, "http://" + n.addr}
	versions, counts := map[string]string{}, map[string]int{}
	for i := range 20 {
		id := fmt.Sprintf("s%d", i)
		if code := c.named(id, "order"); code != http.StatusAccepted {
			t.Fatal(code)
		}
		versions[id] = c.report(id).Version
		counts[versions[id]]++
	}
	if counts["1"] == 0 || counts["2"] == 0 {
		t.Fatalf("of 20 sagas half are to have each version: %v", counts)
	}
	p.AwaitCall(t, "last", 20)
	n.end(t, syscall.SIGKILL)

	write(canaryFile(p, "0%", "other"))
	n.start(t, 0)
	t.Cleanup(func() { n.end(t, syscall.SIGKILL) })
	for id := range versions {
		if code := c.named(id, "order"); code != http.StatusAccepted {
			t.Errorf("the same start of %s again: %d", id, code)
		}
	}
	if code := c.named("s0", "trip"); code != http.StatusConflict {
		t.Errorf("the same id with another name: %d", code)
	}
	close(hold)
	for id, version := range versions {
		if got := c.completed(id).Version; got != version {
			t.Errorf("%s began with version %s, and has ended with %s", id, version, got)
		}
	}
	for _, call := range append(p.Of("old"), p.Of("canary")...) {
		id := call.Header.Get("Saga-Id")
		if want := map[string]string{"1": "old", "2": "canary"}[versions[id]]; call.Op != want {
			t.Errorf("%s has version %s, and called %s", id, versions[id], call.Op)
		}
	}
	for i := range 10 {
		id := fmt.Sprintf("new%d", i)
		if code := c.named(id, "order"); code != http.StatusAccepted || c.completed(id).Version != "1" {
			t.Errorf("%s: %d", id, code)
		}
	}
	if all := p.Of("other"); len(all) > 0 {
		t.Errorf("of a share of nothing came %v", all)
	}
}

// What is started by its name has to be in the file; without a file, and with steps, it is as ever.
func TestStartByName(t *testing.T) {
	p := testparticipant.New(t, nil)
	all, err := catalogue.Parse("sagas.yaml", []byte(canaryFile(p, "10%", "canary")))
	if err != nil {
		t.Fatal(err)
	}
	f := newFront(Access{}, openTest(t, reference.Options{}), nil)
	for body, want := range map[string]string{
		`{"id":"a","name":"order"}`: "400 steps",
		`{"id":"a"}`:                "400 steps",
	} {
		startedBy(t, f, body, want)
	}
	f.catalogue = all
	for _, c := range []struct{ body, want string }{
		{`{"id":"a","name":"shop"}`, "400 name"},
		{`{"id":"a","name":"order","version":"3"}`, "400 version"},
		{`{"id":"","name":"order"}`, "400 id"},
		{`{"id":"a"}`, "400 steps"},
		{`{"id":"a","name":"order","steps":[]}`, "400 steps"},
		{`{"id":"a","name":"order","budget":{"attempts":3}}`, "400 steps"},
		{`{"id":"a","name":"order","version":"2"}`, "202 "},
		{`{"id":"a","name":"order","version":"2"}`, "202 "},
		{`{"id":"a","name":"order"}`, "202 "},
		{`{"id":"a","name":"order","version":"1"}`, "409 id"},
		{testparticipant.JSON(t, p.Define("b", "old compensatable")), "202 "},
		{`{"id":"b","name":"order"}`, "409 id"},
	} {
		startedBy(t, f, c.body, c.want)
	}

	f.catalogue = nil // as after a restart without the file
	for _, c := range []struct{ body, want string }{
		{`{"id":"a","name":"order"}`, "202 "},
		{`{"id":"a","name":"order","version":"2"}`, "202 "},
		{`{"id":"a","name":"order","version":"1"}`, "409 id"},
		{`{"id":"a","name":"trip"}`, "409 id"},
		{`{"id":"new","name":"order"}`, "400 steps"},
		{`{"id":"","name":"order"}`, "400 id"},
		{`{"id":"a"}`, "400 steps"},
	} {
		startedBy(t, f, c.body, c.want)
	}
}

func startedBy(t *testing.T, f *front, body, want string) {
	t.Helper()
	r := httptest.NewRequest("POST", "http://127.0.0.1/sagas", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	var problem struct{ Field string }
	_ = json.Unmarshal(w.Body.Bytes(), &problem)
	if got := fmt.Sprintf("%d %s", w.Code, problem.Field); got != want {
		t.Errorf("%s: %s %s: want %s", body, got, w.Body, want)
	}
}
