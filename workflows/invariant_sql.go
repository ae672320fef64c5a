package workflows

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	_ "github.com/go-sql-driver/mysql" // the drivers of databases that invariants ask
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/sagacheck/sagacheck/orchestrators"
)

// sqlAsk asks a database. Values are parameters, never text.
type sqlAsk struct {
	dialect
	query   string
	names   []string // of the parameters, in their order
	columns []string // that are looked at
	dsn     string
}

// wantDSN says what a data source may be. What was given is not repeated: passwords
// stand there.
const wantDSN = "expected sqlite:FILE, postgres://user:password@host:port/name or mysql://user:password@host:port/name"

func (c *compiler) sqlQuestion(at, query, dsn string) question {
	scheme, _, _ := strings.Cut(dsn, ":")
	if scheme == "postgresql" {
		scheme = "postgres"
	}
	q := &sqlAsk{dialect: dialects[scheme], dsn: dsn}
	if q.driver == "" {
		c.bad(at+".dsn", "scheme %q: %s", scheme, wantDSN)
		return nil
	}
	c.placed(at+".dsn", dsn)
	for _, p := range orchestrators.Template.FindAllString(dsn, -1) {
		if !systemPlace.MatchString(p) {
			c.bad(at+".dsn", "%s: expected ${dir} or ${port.NAME}", p)
			return nil
		}
	}
	if p := orchestrators.Template.FindString(query); p != "" {
		c.bad(at+".sql", "%s: values are parameters here, never text: expected :id or :saga", p)
		return nil
	}
	var err error
	if q.query, q.names, err = q.parameters(query); err != nil {
		c.add(at+".sql", err)
		return nil
	}
	return q
}

func (*sqlAsk) vars() []string { return []string{"rows"} }

// bare is an address without the word for its sort of network.
var bare = regexp.MustCompile(`@([^@()/]+)/`)

// source is what the driver is told.
func (q *sqlAsk) source(dsn, dir string) string {
	_, rest, _ := strings.Cut(dsn, ":")
	switch q.driver {
	case "sqlite":
		file := rest
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		return (&url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}).String()
	case "mysql":
		return plainUser(bare.ReplaceAllString(strings.TrimPrefix(rest, "//"), "@tcp($1)/"))
	}
	return dsn
}

// plainUser is a data source of the MySQL driver whose user and password were those of a URL.
func plainUser(source string) string {
	i := strings.LastIndex(source, "@")
	if i < 0 {
		return source
	}
	user, password, given := strings.Cut(source[:i], ":")
	user, err := url.PathUnescape(user)
	plain, err2 := url.PathUnescape(password)
	if err != nil || err2 != nil { // it was written as it is
		return source
	}
	if given {
		user += ":" + plain
	}
	return user + source[i:]
}

// whom names a data source, without its password.
func (q *sqlAsk) whom(dsn string) string {
	scheme, rest, _ := strings.Cut(dsn, ":")
	if q.driver == "sqlite" {
		return dsn
	}
	rest = rest[strings.LastIndex(rest, "@")+1:]
	rest, _, _ = strings.Cut(rest, "?")
	return scheme + " " + strings.TrimPrefix(rest, "//")
}

func (q *sqlAsk) ask(ctx context.Context, s setting) (map[string]any, error) {
	dsn := s.fill(q.dsn)
	found, err := q.rows(ctx, q.source(dsn, s.dir), s.Saga)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.whom(dsn), err)
	}
	return map[string]any{"rows": found}, nil
}

func (q *sqlAsk) rows(ctx context.Context, source string, about SagaVars) ([]any, error) {
	db, err := sql.Open(q.driver, source)
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it was read only
	var args []any
	for _, name := range q.names {
		args = append(args, map[string]any{"id": about.Own, "saga": about.ID}[name])
	}
	// mode=ro in its address keeps SQLite from writing; the others are told here.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: q.driver != "sqlite"})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // there is nothing to undo
	// Prepared even without parameters: MySQL gives every value as a text otherwise.
	query, err := tx.PrepareContext(ctx, q.query)
	if err != nil {
		return nil, err
	}
	defer query.Close() //nolint:errcheck // its connection is closed
	rows, err := query.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if err := q.known(rows); err != nil {
		return nil, err
	}
	return allRows(rows)
}

// known refuses rows without a column that is looked at.
func (q *sqlAsk) known(rows *sql.Rows) error {
	given, err := rows.Columns()
	if err != nil {
		return err
	}
	for _, c := range q.columns {
		if !slices.Contains(given, c) {
			return fmt.Errorf("expect looks at column %s of rows: the query gives %s", c, strings.Join(given, ", "))
		}
	}
	return nil
}

// mostRows bounds the answer of a database.
const mostRows = 10_000

func allRows(rows *sql.Rows) ([]any, error) {
	columns, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	all := []any{}
	for rows.Next() {
		cells, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, c := range columns {
			row[c.Name()] = cellValue(cells[i], c.DatabaseTypeName())
		}
		if all = append(all, row); len(all) > mostRows {
			return nil, fmt.Errorf("more than %d rows", mostRows)
		}
	}
	return all, rows.Err()
}

// cellValue is a value of a database as expressions see it. Decimal numbers, such as sums,
// come as texts from PostgreSQL and MySQL.
func cellValue(v any, kind string) any {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	s, ok := v.(string)
	if !ok {
		return v
	}
	switch kind {
	case "NUMERIC", "DECIMAL":
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
		if x, err := strconv.ParseFloat(s, 64); err == nil {
			return x
		}
	case "JSON", "JSONB":
		var x any
		if json.Unmarshal([]byte(s), &x) == nil {
			return x
		}
	}
	return s
}
