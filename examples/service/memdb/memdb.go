// SPDX-License-Identifier: GPL-2.0-or-later

// Package memdb is a driver for database/sql that keeps a few tables in memory and understands just
// the statements of this service.
package memdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
)

func init() { sql.Register("mem", &memDriver{}) }

type memDriver struct {
	mu     sync.Mutex
	orders [][]driver.Value
}

type conn struct {
	driver *memDriver
	name   string
}

type rows struct {
	columns []string
	values  [][]driver.Value
}

type inserted int64

var since = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

var users = map[string][]driver.Value{
	"alice": {int64(1), "alice@example.com", since, int64(1000000)},
	"bob":   {int64(2), "bob@example.com", since, int64(12000)},
	"zed":   {int64(26), "zed@example.com", since, int64(0)},
}

var errStatement = errors.New("memdb: a statement that it does not know")

func (d *memDriver) Open(name string) (driver.Conn, error) { return &conn{d, name}, nil }

func (c *conn) Prepare(query string) (driver.Stmt, error) { return nil, errStatement }
func (c *conn) Begin() (driver.Tx, error)                 { return nil, errStatement }
func (c *conn) Close() error                              { return nil }

// QueryContext answers a SELECT.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if strings.Contains(query, "FROM orders") {
		c.driver.mu.Lock()
		defer c.driver.mu.Unlock()
		return &rows{[]string{"item", "cents"}, append([][]driver.Value(nil), c.driver.orders...)}, nil
	}
	time.Sleep(3 * time.Millisecond)
	found := &rows{columns: []string{"id", "email", "since", "balance"}}
	if user, ok := users[args[0].Value.(string)]; ok {
		found.values = append(found.values, user)
	}
	return found, nil
}

// ExecContext does an INSERT. It keeps the last orders only.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.driver.mu.Lock()
	defer c.driver.mu.Unlock()
	if len(c.driver.orders) == 100 {
		c.driver.orders = c.driver.orders[50:]
	}
	c.driver.orders = append(c.driver.orders, []driver.Value{args[1].Value, args[2].Value})
	return inserted(len(c.driver.orders)), nil
}

func (r *rows) Columns() []string { return r.columns }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(dest []driver.Value) error {
	if len(r.values) == 0 {
		return io.EOF
	}
	copy(dest, r.values[0])
	r.values = r.values[1:]
	return nil
}

func (i inserted) LastInsertId() (int64, error) { return int64(i), nil }
func (i inserted) RowsAffected() (int64, error) { return 1, nil }
