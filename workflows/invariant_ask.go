package workflows

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	_ "github.com/go-sql-driver/mysql" // the drivers of databases that invariants ask
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/sagacheck/sagacheck/internal/templates"
)

var systemPlace = regexp.MustCompile(`^\$\{\s*(dir|engine|bin|port\.[a-z0-9_-]+)\s*\}$`)

// sqlAsk asks a database. Values are parameters, never text.
type sqlAsk struct {
	query string
	names []string // of the parameters, in their order
	dsn   string
}

// parameter is :id or :saga; a cast (::text) is none.
var parameter = regexp.MustCompile(`(^|[^:\w]):(id|saga)\b`)

func (c *compiler) sqlQuestion(at, query, dsn string) question {
	q := sqlAsk{dsn: dsn}
	driver, _, err := splitDSN(dsn)
	if err != nil {
		c.add(at+".dsn", err)
		return nil
	}
	q.query = parameter.ReplaceAllStringFunc(query, func(m string) string {
		sub := parameter.FindStringSubmatch(m)
		q.names = append(q.names, sub[2])
		if driver == "pgx" {
			return fmt.Sprintf("%s$%d", sub[1], len(q.names))
		}
		return sub[1] + "?"
	})
	return q
}

// splitDSN tells the driver of a data source, and what the driver is told.
func splitDSN(dsn string) (driver, source string, err error) {
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "sqlite":
		return "sqlite", "file:" + rest + "?mode=ro&_pragma=busy_timeout(5000)", nil
	case "postgres", "postgresql":
		return "pgx", dsn, nil
	case "mysql":
		return "mysql", strings.TrimPrefix(rest, "//"), nil
	}
	return "", "", fmt.Errorf("%q: expected sqlite:FILE, postgres://… or mysql://user@tcp(host:port)/name", dsn)
}

func (q sqlAsk) ask(ctx context.Context, f Facts, fill func(string) string) (map[string]any, error) {
	driver, source, err := splitDSN(fill(q.dsn))
	if err != nil {
		return nil, err
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it was read only
	var args []any
	for _, name := range q.names {
		args = append(args, map[string]any{"id": f.Saga.Own, "saga": f.Saga.ID}[name])
	}
	rows, err := db.QueryContext(ctx, q.query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err says what matters
	found, err := allRows(rows)
	if err != nil {
		return nil, err
	}
	return map[string]any{"rows": found}, nil
}

// mostRows bounds the answer of a database.
const mostRows = 10_000

func allRows(rows *sql.Rows) ([]any, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	all := []any{}
	for rows.Next() {
		cells, places := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, name := range names {
			if b, ok := cells[i].([]byte); ok {
				cells[i] = string(b)
			}
			row[name] = cells[i]
		}
		if all = append(all, row); len(all) > mostRows {
			return nil, fmt.Errorf("more than %d rows", mostRows)
		}
	}
	return all, rows.Err()
}

// httpAsk asks a server of this machine.
type httpAsk struct{ url *templates.Text }

func (c *compiler) httpQuestion(at, request string) question {
	target, ok := strings.CutPrefix(request, "GET ")
	if !ok {
		c.bad(at+".http", "%q: expected GET http://127.0.0.1:…", request)
		return nil
	}
	return httpAsk{c.text(at+".http", escapePlaces(target), factVars)}
}

func (q httpAsk) ask(ctx context.Context, f Facts, fill func(string) string) (map[string]any, error) {
	target, err := q.url.Render(f.env())
	if err != nil {
		return nil, err
	}
	target = fill(unescapePlaces(target))
	u, err := url.Parse(target)
	if err != nil || !slices.Contains([]string{"127.0.0.1", "localhost", "::1"}, u.Hostname()) {
		return nil, fmt.Errorf("%q: expected a server of this machine", target)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read to its end
	b, err := io.ReadAll(io.LimitReader(resp.Body, mostSeen))
	if err != nil {
		return nil, err
	}
	return map[string]any{"answer": map[string]any(AnswerOf(resp.StatusCode, b))}, nil
}
