// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"sync"
	"time"
)

var wishes = []struct {
	path  string
	order *Order
}{
	{"/user?name=zed", nil},
	{"/user?name=alice", nil},
	{"/order", &Order{"alice", "teapot", 2}},
	{"/order", &Order{"bob", "kettle", 40}},
	{"/user?name=mallory", nil},
	{"/report", nil},
}

func ask(base string, path string, order *Order) error {
	url := base + path
	var answer *http.Response
	var err error
	if order != nil {
		body, _ := json.Marshal(order)
		answer, err = http.Post(url, "application/json", bytes.NewReader(body))
	} else {
		answer, err = http.Get(url)
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// latencies are those of the last second.
type latencies struct {
	sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.Lock()
	defer l.Unlock()
	l.all = append(l.all, d)
}

// report prints each second how many answers came, and their median and 99th percentile.
func (l *latencies) report() {
	for range time.Tick(time.Second) {
		l.Lock()
		all := l.all
		l.all = nil
		l.Unlock()
		sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
		if n := len(all); n > 0 {
			fmt.Println("ANSWERS", n, all[n/2].Microseconds(), all[n*99/100].Microseconds())
		}
	}
}

// visit asks for one wish after the other. It ends if the service does not answer any more.
func visit(base string, rate, count int, stats bool) {
	var clients sync.WaitGroup
	var seen latencies
	if stats {
		go seen.report()
	}
	for i := 0; i < count; i++ {
		clients.Add(1)
		go func(next int) {
			defer clients.Done()
			for range time.Tick(time.Second / time.Duration(rate)) {
				wish := wishes[next%len(wishes)]
				start := time.Now()
				if ask(base, wish.path, wish.order) != nil {
					return
				}
				if stats {
					seen.add(time.Since(start))
				}
				next++
			}
		}(i)
	}
	clients.Wait()
}
