package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	_ "modernc.org/sqlite" // the driver
)

// store keeps orders, and every call that was made for one.
type store struct{ db *sql.DB }

const schema = `
create table if not exists orders (
	id text primary key, client_key text unique, body blob not null, state text not null, reason text not null default '');
create table if not exists calls (
	order_id text not null references orders, name text not null,
	service text not null, method text not null, path text not null, key text not null, body blob,
	outcome text not null default '', result text not null default '',
	primary key (order_id, name));`

// A call is one call of a service. It is written down before it is made, so that it
// can be made again, the same in every byte, after a crash.
type call struct {
	name                       string // unique in its order
	service, method, path, key string
	body                       []byte
	outcome                    outcome // empty: not known
	result                     string  // the id that the service gave, or why it refused
}

func openStore(path, tables string) (*store, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer anyway
	if _, err := db.Exec(schema + tables); err != nil {
		return nil, errors.Join(fmt.Errorf("database %q: %w", path, err), db.Close())
	}
	return &store{db}, nil
}

// add keeps a new order, unless there is one under the client's key: then it gives
// that one's id, and whether its body was the same.
func (s *store) add(o *Order, key string, body []byte) (known string, same bool, err error) {
	return addIn(s.db, o, key, body)
}

// database is the whole of it, or a transaction.
type database interface {
	Exec(query string, args ...any) (sql.Result, error)
	QueryRow(query string, args ...any) *sql.Row
}

func addIn(db database, o *Order, key string, body []byte) (known string, same bool, err error) {
	unique := sql.NullString{String: key, Valid: key != ""}
	res, err := db.Exec(`insert into orders (id, client_key, body, state) values (?, ?, ?, ?)
		on conflict (client_key) do nothing`, o.ID, unique, body, o.State)
	if err != nil {
		return "", false, err
	}
	if n, err := res.RowsAffected(); n == 1 || err != nil {
		return "", false, err
	}
	var first []byte
	err = db.QueryRow(`select id, body from orders where client_key = ?`, key).Scan(&known, &first)
	return known, bytes.Equal(first, body), err
}

// order reads an order; nil: there is none.
func (s *store) order(id string) (*Order, error) {
	var body []byte
	o := &Order{}
	err := s.db.QueryRow(`select body from orders where id = ?`, id).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err = errors.Join(err, json.Unmarshal(body, o)); err != nil {
		return nil, err
	}
	o.ID = id
	return o, s.db.QueryRow(`select state, reason from orders where id = ?`, id).Scan(&o.State, &o.Reason)
}

// open gives the orders that have not come to an end.
func (s *store) open() (ids []string, err error) {
	rows, err := s.db.Query(`select id from orders where state in (?, ?) order by rowid`, New, Cancelling)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// turn moves an order to another state.
func (s *store) turn(o *Order, state, reason string) error {
	if _, err := s.db.Exec(`update orders set state = ?, reason = ? where id = ?`, state, reason, o.ID); err != nil {
		return err
	}
	o.State, o.Reason = state, reason
	return nil
}

// intend writes a call down. If it is there already, it gives the one that is there.
func (s *store) intend(o *Order, c call) (_ call, before bool, err error) {
	res, err := s.db.Exec(`insert into calls (order_id, name, service, method, path, key, body) values (?, ?, ?, ?, ?, ?, ?)
		on conflict do nothing`, o.ID, c.name, c.service, c.method, c.path, c.key, c.body)
	if err != nil {
		return c, false, err
	}
	if n, err := res.RowsAffected(); n == 1 || err != nil {
		return c, false, err
	}
	err = s.db.QueryRow(`select service, method, path, key, body, outcome, result from calls where order_id = ? and name = ?`, o.ID, c.name).
		Scan(&c.service, &c.method, &c.path, &c.key, &c.body, &c.outcome, &c.result)
	return c, true, err
}

// learn writes down what a call came to.
func (s *store) learn(o *Order, c call) error {
	_, err := s.db.Exec(`update calls set outcome = ?, result = ? where order_id = ? and name = ?`, c.outcome, c.result, o.ID, c.name)
	return err
}

// results gives the ids that an order's calls were answered with, by the call's name.
func (s *store) results(o *Order) (map[string]string, error) {
	rows, err := s.db.Query(`select name, result from calls where order_id = ? and outcome in (?, ?)`, o.ID, done, found)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := map[string]string{}
	for rows.Next() {
		var name, id string
		if err := rows.Scan(&name, &id); err != nil {
			return nil, err
		}
		ids[name] = id
	}
	return ids, rows.Err()
}
