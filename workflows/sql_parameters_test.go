package workflows

import (
	"slices"
	"strings"
	"testing"
)

func TestSQLParameters(t *testing.T) {
	for _, c := range []struct {
		scheme, query, marked string
		names                 []string
	}{
		{"sqlite", "select :id, :saga, :id", "select ?, ?, ?", []string{"id", "saga", "id"}},
		{"postgres", "select :id where x=:saga and y = :id", "select $1 where x=$2 and y = $3", []string{"id", "saga", "id"}},
		{"sqlite", "select ':id', 'it''s :id', \":id\", `:id`", "select ':id', 'it''s :id', \":id\", `:id`", nil},
		{"sqlite", `select 'a\', :id`, `select 'a\', ?`, []string{"id"}},
		{"mysql", `select 'a\' :id', "b\" :id", :id`, `select 'a\' :id', "b\" :id", ?`, []string{"id"}},
		{"postgres", `select E'a\' :id', e'\\', 'a\', :id`, `select E'a\' :id', e'\\', 'a\', $1`, []string{"id"}},
		{"postgres", "select :id -- not :id?\n, :saga", "select $1 -- not :id?\n, $2", []string{"id", "saga"}},
		{"postgres", "select /* a /* :id */ :id */ :saga", "select /* a /* :id */ :id */ $1", []string{"saga"}},
		{"mysql", "select /* a /* :id */ :id # :saga\n", "select /* a /* :id */ ? # :saga\n", []string{"id"}},
		{"postgres", "select :id::text, '1'::int, $$ :id $$, $a$ $$ :id $a$", "select $1::text, '1'::int, $$ :id $$, $a$ $$ :id $a$", []string{"id"}},
		{"postgres", "select a[lo:hi], b ? 'c', '$1'", "select a[lo:hi], b ? 'c', '$1'", nil},
		{"mysql", "select @n := 1, :id", "select @n := 1, ?", []string{"id"}},
		{"sqlite", "select '?', 'unended :id", "select '?', 'unended :id", nil},
		{"sqlite", "select '', :id, ''", "select '', ?, ''", []string{"id"}},
	} {
		marked, names, err := dialects[c.scheme].parameters(c.query)
		if err != nil || marked != c.marked || !slices.Equal(names, c.names) {
			t.Errorf("%s: %s\n got %s %v %v\nwant %s %v", c.scheme, c.query, marked, names, err, c.marked, c.names)
		}
	}
	for scheme, query := range map[string]string{
		"sqlite": "select ? from t where x = :id", "mysql": "select ?", "postgres": "select $1, :id",
	} {
		if _, _, err := dialects[scheme].parameters(query); err == nil || !strings.Contains(err.Error(), "expected :id or :saga") {
			t.Errorf("%s: %s: %v", scheme, query, err)
		}
	}
	if _, _, err := dialects["sqlite"].parameters("select :order"); err == nil || err.Error() != `parameter ":order": expected :id or :saga` {
		t.Error(err)
	}
}

// FuzzSQLParameters: whatever the query, what is not a parameter stays as it is.
func FuzzSQLParameters(f *testing.F) {
	for _, q := range []string{"select :id", "'", "/*", "$a$", "E'\\", "a:", "::", ":=", "-- :id", "`\\"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, scheme := range []string{"sqlite", "mysql", "postgres"} {
			d := dialects[scheme]
			d.mark = func(int) string { return "\x00" }
			marked, names, err := d.parameters(query)
			if err != nil {
				continue
			}
			parts := strings.Split(marked, "\x00")
			if strings.Contains(query, "\x00") {
				continue
			}
			back := parts[0]
			for i, name := range names {
				back += ":" + name + parts[i+1]
			}
			if back != query {
				t.Errorf("%s: %q became %q %v", scheme, query, marked, names)
			}
		}
	})
}
