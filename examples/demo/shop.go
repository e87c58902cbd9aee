// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Request is what a customer wants.
type Request struct {
	ID      int64
	Path    string
	User    string
	Item    string
	Count   int
	Timeout time.Duration
}

// Shop answers customers.
type Shop struct {
	Name  string
	store *Store
}

// DeniedError tells who may not have what.
type DeniedError struct {
	User, Path string
}

func (e *DeniedError) Error() string { return e.User + " may not see " + e.Path }

var errNoCount = errors.New("count: not a number")

var requests int64

func open() *Shop {
	return &Shop{Name: "corner shop", store: &Store{Name: "cellar"}}
}

func (shop *Shop) handle(url string) (string, error) {
	request, err := parse(url)
	if err != nil {
		return "", err
	}
	if err := authorize(request); err != nil {
		return "", err
	}
	switch request.Path {
	case "/item":
		item, err := shop.store.Get(request.Item)
		if err != nil {
			return "", fmt.Errorf("item: %w", err)
		}
		return describe(item), nil
	case "/order":
		cents, err := shop.order(request)
		return strconv.FormatInt(cents, 10), err
	}
	return report(shop.store.Stocks())
}

func parse(text string) (*Request, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	query := parsed.Query()
	request := &Request{
		ID:      atomic.AddInt64(&requests, 1),
		Path:    parsed.Path,
		User:    query.Get("user"),
		Item:    query.Get("name"),
		Timeout: 1500 * time.Millisecond,
	}
	if count := query.Get("count"); count != "" {
		if request.Count, err = strconv.Atoi(count); err != nil {
			return nil, errNoCount
		}
	}
	return request, nil
}

func authorize(request *Request) error {
	for _, name := range []string{"mallory", "trudy"} {
		if strings.EqualFold(request.User, name) {
			return &DeniedError{request.User, request.Path}
		}
	}
	return nil
}

func (shop *Shop) order(request *Request) (cents int64, err error) {
	item, err := shop.store.Get(request.Item)
	if err != nil {
		return 0, err
	}
	if _, err := shop.store.Take(item.Name, request.Count); err != nil {
		return 0, fmt.Errorf("order %d: %w", request.ID, err)
	}
	return item.Cents * int64(request.Count), nil
}

func describe(item *Item) string {
	return fmt.Sprintf("%s (%s) for %d.%02d", item.Name, strings.Join(item.Tags, ", "), item.Cents/100, item.Cents%100)
}

// report is slow, as reports are.
func report(stocks map[string]int) (string, error) {
	names := []string{}
	for name := range stocks {
		names = append(names, name)
	}
	sort.Strings(names)
	time.Sleep(30 * time.Millisecond)
	text := ""
	for _, name := range names {
		text += fmt.Sprintf("%s: %d\n", name, stocks[name])
	}
	return text, nil
}
