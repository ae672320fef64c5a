package store

import (
	"context"
	"database/sql"
)

const keptTable = `CREATE TABLE IF NOT EXISTS kept (one INTEGER PRIMARY KEY CHECK (one = 1), text TEXT NOT NULL)`

// keep folds sagas that are about to be removed into what is kept.
func (s *sqliteStore) keep(ctx context.Context, tx *sql.Tx, ids []string, keep Fold) error {
	var gone [][]Entry
	for _, id := range ids {
		rows, err := tx.QueryContext(ctx, loadQuery, id)
		if err != nil {
			return err
		}
		var es []Entry
		if err := yieldRows(rows, id, func(e Entry) error { es = append(es, e); return nil }); err != nil {
			return err
		}
		gone = append(gone, es)
	}
	before, err := keptText(ctx, tx)
	if err != nil {
		return err
	}
	after, err := keep(before, gone)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO kept (one, text) VALUES (1, ?) ON CONFLICT DO UPDATE SET text = excluded.text`, after)
	}
	return err
}

func (s *sqliteStore) Kept(ctx context.Context) (text string, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		text, err = keptText(ctx, tx)
		return err
	})
	return text, err
}

func keptText(ctx context.Context, tx *sql.Tx) (text string, err error) {
	if _, err = tx.ExecContext(ctx, keptTable); err != nil {
		return "", err
	}
	err = tx.QueryRowContext(ctx, `SELECT coalesce(max(text), '') FROM kept`).Scan(&text)
	return text, err
}

func (s *sqliteStore) Each(ctx context.Context, yield func(Entry) error) error {
	rows, err := s.db.QueryContext(ctx, `SELECT saga, n, records FROM journal ORDER BY saga, n`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, text string
		var n int
		if err := rows.Scan(&id, &n, &text); err != nil {
			return err
		}
		if err := yield(Entry{Saga: id, N: n, Text: text}); err != nil {
			return err
		}
	}
	return rows.Err()
}

// yieldRows yields the entries of one saga.
func yieldRows(rows *sql.Rows, id string, yield func(Entry) error) error {
	defer rows.Close()
	for rows.Next() {
		var n int
		var text string
		if err := rows.Scan(&n, &text); err != nil {
			return err
		}
		if err := yield(Entry{Saga: id, N: n, Text: text}); err != nil {
			return err
		}
	}
	return rows.Err()
}
