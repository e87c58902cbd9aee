// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// User is a customer.
type User struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Email   string    `json:"email"`
	Since   time.Time `json:"since"`
	Balance int64     `json:"balance"`
}

// Order is what a customer wants.
type Order struct {
	User  string `json:"user"`
	Item  string `json:"item"`
	Count int    `json:"count"`
}

type store struct {
	mu    sync.Mutex
	db    *sql.DB
	cache map[string]*User
}

var (
	errNoUser  = errors.New("no such user")
	errNoMoney = errors.New("the balance is too low")
)

func (s *store) cached(name string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cache[name]
}

func (s *store) keep(user *User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache[user.Name] = user
}

func (s *store) user(ctx context.Context, name string) (*User, error) {
	if user := s.cached(name); user != nil {
		return user, nil
	}
	user := &User{Name: name}
	row := s.db.QueryRowContext(ctx, "SELECT id, email, since, balance FROM users WHERE name = ?", name)
	err := row.Scan(&user.ID, &user.Email, &user.Since, &user.Balance)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("user %q: %w", name, errNoUser)
	}
	if err != nil {
		return nil, err
	}
	s.keep(user)
	return user, nil
}

func (s *store) addOrder(ctx context.Context, order Order) (int64, error) {
	user, err := s.user(ctx, order.User)
	if err != nil {
		return 0, err
	}
	cents := price(order.Item) * int64(order.Count)
	if cents > user.Balance {
		return 0, fmt.Errorf("%s x%d: %w", order.Item, order.Count, errNoMoney)
	}
	result, err := s.db.ExecContext(ctx, "INSERT INTO orders (user, item, cents) VALUES (?, ?, ?)", user.ID, order.Item, cents)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (s *store) totals(ctx context.Context) (map[string]int64, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT item, cents FROM orders")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	totals := map[string]int64{}
	for rows.Next() {
		var item string
		var cents int64
		if err := rows.Scan(&item, &cents); err != nil {
			return nil, err
		}
		totals[item] += cents
	}
	return totals, rows.Err()
}

//go:noinline
func price(item string) int64 {
	prices := map[string]int64{"teapot": 2450, "kettle": 3990, "cup": 490}
	return prices[item]
}
