// SPDX-License-Identifier: GPL-2.0-or-later

// Package web is what the shop needs of HTTP: a server of one function, and customers for it.
package web

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers each request with what handle makes of its URL.
func Serve(listener net.Listener, handle func(url string) (string, error)) error {
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := handle(r.URL.String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, text)
	}))
}

// Visit asks a server for these paths, one after the other and again, until it is gone: so many customers at once.
func Visit(address string, paths []string, rate, customers int) {
	var all sync.WaitGroup
	for customer := 0; customer < customers; customer++ {
		all.Add(1)
		go func(first int) {
			defer all.Done()
			visit(address, paths, rate, first)
		}(customer)
	}
	all.Wait()
}

func visit(address string, paths []string, rate, first int) {
	// A connection of its own, as customers have.
	client := http.Client{Transport: &http.Transport{}}
	for i := first; ; i++ {
		answer, err := client.Get("http://" + address + paths[i%len(paths)])
		if err != nil {
			return
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		time.Sleep(time.Second / time.Duration(rate))
	}
}
