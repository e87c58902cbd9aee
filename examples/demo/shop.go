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
	store *Store
}

// DeniedError tells who may not have what.
type DeniedError struct {
	User, Path string
}

func (e *DeniedError) Error() string { return e.User + " may not see " + e.Path }

var errNoCount = errors.New("count: not a number")

var requests, letters int64

var catalogue = printCatalogue()

var mailboxes = map[string]chan struct{}{"bob": make(chan struct{})}

func open() *Shop {
	return &Shop{store: &Store{Name: "cellar"}}
}

func (shop *Shop) handle(request *Request) (answer string, err error) {
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
	case "/search":
		return shop.search(request.Item)
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
		Item:    query.Get("name") + query.Get("word"),
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
	cents = item.Cents * int64(request.Count)
	if err := pay(request.User, cents); err != nil {
		return 0, fmt.Errorf("order %d: %w", request.ID, err)
	}
	go thank(request.User, request.ID)
	return cents, nil
}

// search looks at every page of the catalogue, and then into the store for each item found.
func (shop *Shop) search(word string) (string, error) {
	found := []string{}
	for _, page := range catalogue {
		if !matches(page, word) {
			continue
		}
		item, err := shop.store.Get(page[:len("teapot")])
		if err != nil {
			return "", fmt.Errorf("search: %w", err)
		}
		found = append(found, describe(item))
	}
	return strings.Join(found, "\n"), nil
}

//go:noinline
func matches(page, word string) bool {
	return strings.Contains(page, word)
}

// thank writes to a customer. Bob's mailbox is full, and nobody waits for the answer.
func thank(user string, order int64) {
	defer atomic.AddInt64(&letters, 1)
	time.Sleep(5 * time.Millisecond)
	if user == "bob" {
		<-mailboxes[user]
	}
}

func describe(item *Item) string {
	return fmt.Sprintf("%s (%s) for %d.%02d", item.Name, strings.Join(item.Tags, ", "), item.Cents/100, item.Cents%100)
}

// printCatalogue fills thousands of pages, of which three are about what there is.
func printCatalogue() []string {
	pages := []string{"teapot, blue", "teapot, white", "teapot, small"}
	for i := len(pages); i < 4000; i++ {
		pages = append(pages, fmt.Sprintf("chair %d, out of print", i))
	}
	return pages
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
