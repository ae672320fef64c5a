package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	_ "modernc.org/sqlite"

	"github.com/sagacheck/sagacheck/engines/facade"
)

// table keeps how each saga stands, as an application would in its own database.
type table struct{ db *sql.DB }

func openTable(file string) (*table, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(`CREATE TABLE IF NOT EXISTS sagas (id TEXT PRIMARY KEY, report TEXT NOT NULL, door TEXT NOT NULL DEFAULT '')`)
	return &table{db}, err
}

// Insert notes a new saga; false if it is there already.
func (t *table) Insert(ctx context.Context, r facade.Report) (bool, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	res, err := t.db.ExecContext(ctx, `INSERT INTO sagas (id, report) VALUES (?, ?) ON CONFLICT DO NOTHING`, r.ID, b)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Show is the activity that writes how a saga stands.
func (t *table) Show(ctx context.Context, r facade.Report) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = t.db.ExecContext(ctx, `UPDATE sagas SET report = ? WHERE id = ?`, b, r.ID)
	return err
}

// Get reads how a saga stands.
func (t *table) Get(ctx context.Context, id string) (r facade.Report, err error) {
	var b []byte
	err = t.db.QueryRowContext(ctx, `SELECT report FROM sagas WHERE id = ?`, id).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return r, facade.ErrUnknown
	}
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(b, &r)
}

// A saga's door: whoever comes first, the operator who asks for the rollback or the saga that
// goes past the pivot, or ends, shuts it to the other.
const (
	asked  = "asked"
	closed = "closed"
)

// Close is the activity of a saga that can't be rolled back from now on; false: an operator
// has asked for it.
func (t *table) Close(ctx context.Context, id string) (bool, error) {
	_, now, err := t.shut(ctx, id, closed)
	return now == closed, err
}

// shut shuts the door of a saga, if it was open; now is who shut it.
func (t *table) shut(ctx context.Context, id, by string) (first bool, now string, err error) {
	res, err := t.db.ExecContext(ctx, `UPDATE sagas SET door = ? WHERE id = ? AND door = ''`, by, id)
	if err != nil {
		return false, "", err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, "", err
	}
	err = t.db.QueryRowContext(ctx, `SELECT door FROM sagas WHERE id = ?`, id).Scan(&now)
	if errors.Is(err, sql.ErrNoRows) {
		err = facade.ErrUnknown
	}
	return n == 1, now, err
}
