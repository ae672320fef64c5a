package reference

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// versioned is a saga of a version.
func versioned(d saga.Definition, version string) saga.Definition {
	d.Name, d.Version = "order", version
	return d
}

// A saga under way keeps its version, and all that its definition says, over an end of the executor, whatever
// version is submitted meanwhile.
func TestSagasUnderWayKeepTheirVersion(t *testing.T) {
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" && c.Attempt == 1 && c.Header.Get("Saga-Id") == "old" {
			<-hold
		}
		return 0
	})
	file := t.TempDir() + "/saga.db"
	e := OpenTest(t, Options{StoreDSN: file})
	old := versioned(p.Define("old", "a compensatable", "b compensatable", "c compensatable"), "1")
	SubmitTest(t, e, old)
	p.AwaitCall(t, "b", 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	e = OpenTest(t, Options{StoreDSN: file})
	SubmitTest(t, e, versioned(p.Define("new", "a compensatable", "d compensatable"), "2"))
	if err := e.Submit(t.Context(), versioned(old, "2")); !errors.Is(err, ErrConflict) {
		t.Errorf("the same id with another version: %v", err)
	}
	if r := AwaitStatus(t, e, "old", saga.Completed); r.Version != "1" || len(r.Steps) != 3 {
		t.Errorf("%+v", r)
	}
	if r := AwaitStatus(t, e, "new", saga.Completed); r.Version != "2" || len(r.Steps) != 2 {
		t.Errorf("%+v", r)
	}
	for _, c := range p.Calls {
		if only := map[string]string{"c": "old", "d": "new"}[c.Op]; only != "" && c.Header.Get("Saga-Id") != only {
			t.Errorf("%s of %s", c.Op, c.Header.Get("Saga-Id"))
		}
	}
}

// Versions are compared by what the journals have: by the executor, and without it.
func TestVersionsAreCompared(t *testing.T) {
	p := NewParticipant(t, func(c SeenCall) int {
		switch id := c.Header.Get("Saga-Id"); {
		case id == "back" && c.Op == "b":
			return 422
		case id == "again" && c.Op == "a" && c.Attempt == 1:
			return 503
		case id == "stuck" && c.Op == "b", id == "stuck" && c.Op == "a.undo":
			return 422
		}
		return 0
	})
	file := t.TempDir() + "/saga.db"
	e := OpenTest(t, Options{StoreDSN: file})
	for id, version := range map[string]string{"one": "1", "again": "1", "back": "2", "stuck": "2", "none": ""} {
		SubmitTest(t, e, versioned(p.Define(id, "a compensatable", "b compensatable"), version))
	}
	other := p.Define("other", "a compensatable")
	SubmitTest(t, e, other)
	for id, end := range map[string]saga.Status{"one": saga.Completed, "again": saga.Completed, "back": saga.Compensated, "stuck": saga.Stuck, "none": saga.Completed, "other": saga.Completed} {
		AwaitStatus(t, e, id, end)
	}
	want := `[{"name":"order","version":"","sagas":1,"ends":{"completed":1},"open":0,"paused":0,"stuck":0,"median_ms":0,"p95_ms":0,"calls":2,"retries":0,"compensations":0},` +
		`{"name":"order","version":"1","sagas":2,"ends":{"completed":2},"open":0,"paused":0,"stuck":0,"median_ms":0,"p95_ms":0,"calls":5,"retries":1,"compensations":0},` +
		`{"name":"order","version":"2","sagas":2,"ends":{"compensated":1},"open":0,"paused":0,"stuck":1,"median_ms":0,"p95_ms":0,"calls":6,"retries":0,"compensations":1}]`
	got, err := e.Versions(t.Context(), VersionsQuery{Name: "order"})
	if text := timeless(t, got); text != want || err != nil || got.Cut {
		t.Errorf("%s\nwant %s, %v", text, want, err)
	}
	all, err := e.Versions(t.Context(), VersionsQuery{})
	if err != nil || len(all.Versions) != 4 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := ReadVersions(t.Context(), file, VersionsQuery{Name: "order"})
	if err != nil || !reflect.DeepEqual(got, read) {
		t.Errorf("%+v\nwant %+v, %v", read, got, err)
	}
}

// timeless are the sums without their times.
func timeless(t *testing.T, v Versions) string {
	t.Helper()
	all := slices.Clone(v.Versions)
	for i := range all {
		all[i].MedianMS, all[i].P95MS = 0, 0
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The times are of sagas, in order: half took so long at the most, and 95 of 100.
func TestQuantiles(t *testing.T) {
	var v VersionSums
	if v.quantile(0.5) != 0 {
		t.Error("there are none")
	}
	for i := range 100 {
		v.took = append(v.took, time.Duration(i+1)*time.Millisecond)
	}
	if a, b := v.quantile(0.5), v.quantile(0.95); a != 50 || b != 95 {
		t.Error(a, b)
	}
}

// Open sagas are found by their version, and by having none.
func TestListByVersion(t *testing.T) {
	p := NewParticipant(t, Scripted("a * 503"))
	e := OpenTest(t, Options{})
	for id, version := range map[string]string{"x": "1", "y": "2", "z": ""} {
		d := versioned(p.Define(id, "a compensatable"), version)
		d.Steps[0].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 3_600_000, Multiplier: 1, MaxIntervalMS: 3_600_000, AttemptTimeoutMS: 1000}
		SubmitTest(t, e, d)
	}
	for version, want := range map[string]string{"1": "x", "2": "y", "": "z"} {
		all, _, err := e.List(t.Context(), Query{Name: "order", Version: &version})
		if err != nil || len(all) != 1 || all[0].ID != want || all[0].Version != version {
			t.Errorf("%q: %+v, %v", version, all, err)
		}
	}
}

// ended runs sagas one after the other, each to its end in a millisecond of its own.
func ended(t *testing.T, e *Executor, all ...saga.Definition) {
	t.Helper()
	for _, d := range all {
		SubmitTest(t, e, d)
		AwaitStatus(t, e, d.ID, saga.Completed)
		for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// named says which sagas were compared.
func named(v Versions) (all []string) {
	for _, one := range v.Versions {
		all = append(all, one.Name+" "+one.Version)
	}
	return all
}

// Where there are more sagas than fit, those that ended last are compared; those with another name do not count.
func TestTheLastSagasAreCompared(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	first := p.Define("z", "a compensatable")
	first.Name = "first"
	ended(t, e, first, versioned(p.Define("y", "a compensatable"), "1"), versioned(p.Define("x", "a compensatable"), "2"))
	for _, c := range []struct {
		q    VersionsQuery
		want []string
		cut  bool
	}{
		{VersionsQuery{most: 1}, []string{"order 2"}, true},
		{VersionsQuery{most: 2}, []string{"order 1", "order 2"}, true},
		{VersionsQuery{most: 3}, []string{"first ", "order 1", "order 2"}, false},
		{VersionsQuery{Name: "first", most: 1}, []string{"first "}, false},
		{VersionsQuery{Name: "order", most: 1}, []string{"order 2"}, true},
		{VersionsQuery{Name: "order", most: 2}, []string{"order 1", "order 2"}, false},
	} {
		v, err := e.Versions(t.Context(), c.q)
		if got := named(v); err != nil || !slices.Equal(got, c.want) || v.Cut != c.cut {
			t.Errorf("%+v: %v, cut %v, %v: expected %v", c.q, got, v.Cut, err, c.want)
		}
	}
}

// tiredStore ends the time of whoever asks it when so many sagas have been read.
type tiredStore struct {
	store.Store
	left  int
	tired context.CancelFunc
}

func (s *tiredStore) Load(ctx context.Context, id string, yield func(store.Entry) error) error {
	if s.left--; s.left < 0 {
		s.tired()
		return context.Canceled
	}
	return s.Store.Load(ctx, id, yield)
}

// When time is up, what was read is the answer, and it says so. Of nothing at all it says what helps.
func TestTimeIsUpForVersions(t *testing.T) {
	p := NewParticipant(t, nil)
	s := &tiredStore{Store: store.NewMemory(), left: 100}
	e, err := open(t.Context(), s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ended(t, e, versioned(p.Define("z", "a compensatable"), "1"), versioned(p.Define("x", "a compensatable"), "2"))
	ctx, cancel := context.WithCancel(t.Context())
	s.left, s.tired = 1, cancel
	v, err := versionsOf(ctx, s, rules, VersionsQuery{})
	if got := named(v); err != nil || !slices.Equal(got, []string{"order 2"}) || !v.Cut {
		t.Errorf("%v, %+v", err, v)
	}
	if _, err := e.Versions(ctx, VersionsQuery{}); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "--since") {
		t.Error(err)
	}
}

// What took a person is no time of a version, what is paused does not go on by itself, and a repair is no retry.
func TestWhatPeopleAndRepairsDoIsCountedApart(t *testing.T) {
	hold := make(chan struct{})
	b := newBooks(t, func(c SeenCall) int {
		switch id := c.Header.Get("Saga-Id"); {
		case c.Op == "b", id == "hand" && c.Op == "a.undo":
			return 422
		case id == "paused":
			<-hold
		}
		return 0
	})
	e := OpenTest(t, repairing(""))
	b.undone(t, e)
	b.restore(true)
	cameTo(t, e, Repaired)
	SubmitTest(t, e, versioned(b.Define("hand", "a compensatable", "b compensatable"), "hand"))
	AwaitStatus(t, e, "hand", saga.Stuck)
	SubmitTest(t, e, versioned(b.Define("paused", "a compensatable"), "paused"))
	b.AwaitCall(t, "a", 3)
	for id, act := range map[string]saga.Act{"hand": saga.ActEnd, "paused": saga.ActPause} {
		if _, err := e.Operate(t.Context(), id, by(act, "ann")); err != nil {
			t.Fatal(err)
		}
	}
	v, err := e.Versions(t.Context(), VersionsQuery{})
	close(hold)
	if err != nil || len(v.Versions) != 3 {
		t.Fatalf("%+v, %v", v, err)
	}
	if hand := v.Versions[0]; hand.Ends[saga.EndedByHand] != 1 || len(hand.took) != 0 || hand.P95MS != 0 {
		t.Errorf("ended by hand: %+v", hand)
	}
	if paused := v.Versions[1]; paused.Paused != 1 || paused.Open != 0 {
		t.Errorf("paused: %+v", paused)
	}
	if repaired := v.Versions[2]; repaired.Calls != 4 || repaired.Retries != 0 || repaired.Compensations != 1 {
		t.Errorf("repaired: %+v", repaired)
	}
}
