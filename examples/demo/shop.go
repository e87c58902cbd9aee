// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"time"
)

// Request is what a customer wants.
type Request struct {
	ID      int
	Path    string
	User    string
	Item    string
	Count   int
	Timeout time.Duration
}

// Item is what the shop sells.
type Item struct {
	Name  string
	Cents int64
	Stock int
	Tags  []string
	Since time.Time
}

// Store keeps the items.
type Store struct {
	mu    sync.Mutex
	items map[string]*Item
}

// Shop answers customers.
type Shop struct {
	mu    sync.Mutex
	seen  int
	store *Store
	sold  map[string]int
}

// DeniedError tells who may not have what.
type DeniedError struct {
	User, Path string
}

func (e *DeniedError) Error() string { return e.User + " may not see " + e.Path }

var errNoItem = errors.New("no such item")

// NewShop is a shop with something on its shelves.
func NewShop() *Shop {
	opened := time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)
	return &Shop{
		sold: map[string]int{},
		store: &Store{items: map[string]*Item{
			"teapot": {"teapot", 2450, 1000, []string{"kitchen", "china"}, opened},
			"kettle": {"kettle", 3990, 40, []string{"kitchen", "steel"}, opened},
		}},
	}
}

func (shop *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := shop.parse(r.URL.Path, r.URL.Query())
	text, err := shop.answer(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, text)
}

func (shop *Shop) parse(path string, query map[string][]string) *Request {
	first := func(key string) string {
		if values := query[key]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
	shop.mu.Lock()
	defer shop.mu.Unlock()
	shop.seen++
	count, _ := strconv.Atoi(first("count"))
	return &Request{shop.seen, path, first("user"), first("name"), count, 1500 * time.Millisecond}
}

func (shop *Shop) answer(request *Request) (string, error) {
	if err := authorize(request); err != nil {
		return "", err
	}
	switch request.Path {
	case "/item":
		return shop.store.Get(request.Item)
	case "/order":
		cents, err := shop.order(request)
		return money(cents), err
	}
	return shop.report(shop.sales())
}

func authorize(request *Request) error {
	if request.User == "mallory" {
		return &DeniedError{request.User, request.Path}
	}
	return nil
}

// Get describes an item.
func (s *Store) Get(name string) (string, error) {
	item, err := s.find(name)
	if err != nil {
		return "", fmt.Errorf("get %q: %w", name, err)
	}
	return item.Name + " for " + money(item.Cents), nil
}

func (s *Store) find(name string) (*Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if item, ok := s.items[name]; ok {
		return item, nil
	}
	return nil, errNoItem
}

func (s *Store) take(item *Item, count int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if item.Stock < count {
		return fmt.Errorf("only %d of %s left", item.Stock, item.Name)
	}
	item.Stock -= count
	return nil
}

func (shop *Shop) order(request *Request) (cents int64, err error) {
	item, err := shop.store.find(request.Item)
	if err != nil {
		return 0, err
	}
	if err := shop.store.take(item, request.Count); err != nil {
		return 0, err
	}
	shop.mu.Lock()
	defer shop.mu.Unlock()
	shop.sold[item.Name] += request.Count
	return item.Cents * int64(request.Count), nil
}

func (shop *Shop) sales() ([]string, map[string]int) {
	shop.mu.Lock()
	defer shop.mu.Unlock()
	names := []string{}
	sold := map[string]int{}
	for name, count := range shop.sold {
		names = append(names, name)
		sold[name] = count
	}
	sort.Strings(names)
	return names, sold
}

// report is slow, as reports are.
func (shop *Shop) report(names []string, sold map[string]int) (string, error) {
	time.Sleep(30 * time.Millisecond)
	text := ""
	for _, name := range names {
		text += fmt.Sprintf("%s: %d\n", name, sold[name])
	}
	return text, nil
}

func money(cents int64) string {
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}
