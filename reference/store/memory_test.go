package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// The store in memory says what SQLite says, after the same.
func TestMemoryIsAsSQLite(t *testing.T) {
	file, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "saga.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	entries := [][]Entry{
		{{Saga: "a", N: 1, Text: "a1", Begins: true}, {Saga: "b", N: 1, Text: "b1", Begins: true, Breakers: []Breaker{{"x", 2, "open"}, {"y", 1, "shut"}}}},
		{{Saga: "a", N: 1, Text: "again"}, {Saga: "a", N: 2, Text: "a2", Ended: noon}, {Saga: "c", N: 1, Text: "c1", Begins: true, Breakers: []Breaker{{"x", 1, "late"}, {"y", 2, ""}}}},
		{{Saga: "c", N: 2, Text: "c2", Ended: noon.Add(time.Hour)}, {Saga: "b", N: 2, Text: "b2"}, {Saga: "d", N: 1, Text: "no saga"}},
	}
	memory := NewMemory()
	says := func(when string) {
		t.Helper()
		if got, want := said(t, memory, noon), said(t, file, noon); got != want {
			t.Errorf("%s memory says\n%s\nand SQLite\n%s", when, got, want)
		}
	}
	both := func(f func(Store) error) {
		t.Helper()
		for _, s := range []Store{memory, file} {
			if err := f(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, es := range entries {
		both(func(s Store) error { return s.Append(t.Context(), es) })
		says(fmt.Sprintf("after %v", es))
	}
	both(func(s Store) error {
		latest, err := s.Latest(t.Context(), noon, 2)
		if fmt.Sprint(latest) != "[b c]" { // b is open, and c ended after a
			t.Errorf("%T: the latest are %v", s, latest)
		}
		return err
	})
	both(func(s Store) error { return s.SetAside(t.Context(), "b", 2) })
	both(func(s Store) error { return s.SetAside(t.Context(), "c", 2) })
	says("after b and c were cut")
	both(func(s Store) error {
		n, err := s.Prune(t.Context(), noon.Add(time.Minute), func(kept string, gone [][]Entry) (string, error) { return fmt.Sprint(kept, gone), nil })
		if n != 1 {
			t.Errorf("%T removed %d sagas: expected 1", s, n)
		}
		return err
	})
	says("after a was removed")
	both(func(s Store) error { return s.SetAside(t.Context(), "b", 1) })
	says("after b was set aside")
}

// said is all that a store says.
func said(t *testing.T, s Store, noon time.Time) string {
	t.Helper()
	ctx := context.Background()
	open, any, err := s.Open(ctx)
	since, err2 := s.Since(ctx, noon.Add(time.Minute), 9)
	latest, err7 := s.Latest(ctx, noon.Add(-time.Minute), 9)
	last, err8 := s.Latest(ctx, noon.Add(-time.Minute), 2)
	holds, err3 := s.Holds(ctx, []string{"a", "b", "c", "z"})
	breakers, err4 := s.Breakers(ctx)
	kept, err5 := s.Kept(ctx)
	each := ""
	err6 := s.Each(ctx, func(e Entry) error { each += fmt.Sprint(e, " "); return nil })
	for _, err := range []error{err, err2, err3, err4, err5, err6, err7, err8} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprint(open, any, since, latest, last, holds, breakers, kept, each)
}
