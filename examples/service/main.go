// SPDX-License-Identifier: GPL-2.0-or-later

// A web service of the usual kind, to have something to trace: handlers that are methods,
// middleware, contexts with deadlines, JSON, database/sql and slog. It listens on loopback, starts
// a second process that asks it some times a second, and ends by itself.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	_ "service/memdb"
)

func main() {
	clients := flag.String("clients", "", "be the clients of the service at this address")
	rate := flag.Int("rate", 8, "requests a second of each client")
	count := flag.Int("count", 1, "clients at once")
	life := flag.Duration("for", time.Minute, "end after this time")
	stats := flag.Bool("stats", false, "print the number of answers and their latency each second")
	flag.Parse()
	if *clients != "" {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		visit("http://"+*clients, *rate, *count, *stats)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	visitors := exec.Command(os.Args[0], "-clients", listener.Addr().String(), "-rate", fmt.Sprint(*rate), "-count", fmt.Sprint(*count), fmt.Sprintf("-stats=%t", *stats))
	if *stats {
		visitors.Stdout = os.Stdout
	}
	// The clients leave when this pipe is closed, as it is however this process ends.
	pipe, err := visitors.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := visitors.Start(); err != nil {
		log.Fatal(err)
	}
	defer pipe.Close()
	time.AfterFunc(*life, func() { os.Exit(0) })
	db, err := sql.Open("mem", "users")
	if err != nil {
		log.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	server := &http.Server{
		Handler:      newAPI(&store{db: db, cache: map[string]*User{}}, logger).routes(),
		ReadTimeout:  5 * time.Second,
		WriteTimeout: 10 * time.Second,
		BaseContext:  func(net.Listener) context.Context { return context.Background() },
	}
	fmt.Println("READY", os.Getpid())
	log.Fatal(server.Serve(listener))
}
