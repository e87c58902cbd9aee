// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Item is what the shop sells.
type Item struct {
	Name  string
	Cents int64
	Tags  []string
	Since time.Time
}

// Store is where the items are.
type Store struct {
	Name string
}

var errNoItem = errors.New("no such item")

var opened = time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)

var shelves = struct {
	sync.Mutex
	items map[string]*Item
	stock map[string]int
}{
	items: map[string]*Item{
		"teapot": {"teapot", 2450, []string{"kitchen", "china"}, opened},
		"kettle": {"kettle", 3990, []string{"steel"}, opened},
	},
	stock: map[string]int{"teapot": 100000, "kettle": 40},
}

// Get finds an item.
func (s *Store) Get(name string) (*Item, error) {
	shelves.Lock()
	defer shelves.Unlock()
	if item, ok := shelves.items[name]; ok {
		return item, nil
	}
	return nil, fmt.Errorf("%s: %q: %w", s.Name, name, errNoItem)
}

// Take takes some of an item out of the store, and says how much is left.
func (s *Store) Take(name string, count int) (left int, err error) {
	shelves.Lock()
	defer shelves.Unlock()
	left = shelves.stock[name]
	if left < count {
		return left, fmt.Errorf("only %d left", left)
	}
	left -= count
	shelves.stock[name] = left
	return left, nil
}

// Stocks tells how much of each item there is: it counts, and nobody gets in meanwhile.
func (s *Store) Stocks() map[string]int {
	shelves.Lock()
	defer shelves.Unlock()
	time.Sleep(5 * time.Millisecond)
	stocks := map[string]int{}
	for name, count := range shelves.stock {
		stocks[name] = count
	}
	return stocks
}
