// SPDX-License-Identifier: GPL-2.0-or-later

// A small web shop that brings its own customers, to have something to trace: it listens on
// loopback, starts a second process that asks it some times a second, and ends by itself.
package main

import (
	"demo/web"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"time"
)

var wishes = []string{
	"/item?user=alice&name=teapot",
	"/order?user=alice&name=teapot&count=2",
	"/item?user=mallory&name=safe",
	"/item?user=bob&name=unicorn",
	"/order?user=bob&name=kettle&count=100",
	"/report?user=alice",
	"/order?user=bob&name=teapot&count=1",
	"/search?user=carol&word=pot",
}

func main() {
	address := flag.String("customers", "", "be the customers of the shop at this address")
	rate := flag.Int("rate", 8, "requests a second of each customer")
	count := flag.Int("count", 1, "customers at once")
	life := flag.Duration("for", time.Minute, "end after this time")
	flag.Parse()
	if *address != "" {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		web.Visit(*address, wishes, *rate, *count)
		return
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	customers := exec.Command(os.Args[0], "-customers", listener.Addr().String(), "-rate", fmt.Sprint(*rate), "-count", fmt.Sprint(*count))
	// The customers leave when this pipe is closed, as it is however this process ends.
	pipe, err := customers.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := customers.Start(); err != nil {
		log.Fatal(err)
	}
	time.AfterFunc(*life, func() { os.Exit(0) })
	fmt.Println("READY", os.Getpid())
	shop := open()
	err = web.Serve(listener, func(url string) (string, error) {
		request, err := parse(url)
		if err != nil {
			return "", err
		}
		return shop.handle(request)
	})
	pipe.Close()
	log.Fatal(err)
}
