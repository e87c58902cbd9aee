// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
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

// visit asks for one wish after the other. It ends if the service does not answer any more.
func visit(base string, rate, count int) {
	var clients sync.WaitGroup
	for i := 0; i < count; i++ {
		clients.Add(1)
		go func(next int) {
			defer clients.Done()
			for range time.Tick(time.Second / time.Duration(rate)) {
				wish := wishes[next%len(wishes)]
				if ask(base, wish.path, wish.order) != nil {
					return
				}
				next++
			}
		}(i)
	}
	clients.Wait()
}
