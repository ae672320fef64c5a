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
	_, err = db.Exec(`CREATE TABLE IF NOT EXISTS sagas (id TEXT PRIMARY KEY, report TEXT NOT NULL)`)
	return &table{db}, err
}

// Insert notes a new saga; false if it is there already.
func (t *table) Insert(ctx context.Context, r facade.Report) (bool, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	res, err := t.db.ExecContext(ctx, `INSERT INTO sagas VALUES (?, ?) ON CONFLICT DO NOTHING`, r.ID, b)
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
