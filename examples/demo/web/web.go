// SPDX-License-Identifier: GPL-2.0-or-later

// Package web is what the shop needs of HTTP: a server of one function, and customers for it.
package web

import (
	"fmt"
	"io"
	"net"
	"net/http"
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

// Visit asks a server for these paths, one after the other and again, until it is gone.
func Visit(address string, paths []string, rate int) {
	for i := 0; ; i++ {
		answer, err := http.Get("http://" + address + paths[i%len(paths)])
		if err != nil {
			return
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		time.Sleep(time.Second / time.Duration(rate))
	}
}
