package reference

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadOneSagaBySeek: reading one saga must not read the journals of all
// others, which would hold the only connection ever longer as the file grows.
func TestLoadOneSagaBySeek(t *testing.T) {
	s, err := openSQLite(t.Context(), filepath.Join(t.TempDir(), "saga.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close() //nolint:errcheck // a test
	query, args := loadQuery("a")
	rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(detail, "SCAN") {
			t.Errorf("the query reads the whole table: %s", detail)
		}
	}
}
