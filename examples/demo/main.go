// SPDX-License-Identifier: GPL-2.0-or-later

// A small web shop that serves its own customers, to have something to trace: it listens on
// loopback, starts a second process that asks it a few times a second, and ends by itself.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

func main() {
	address := flag.String("customers", "", "be the customers of the shop at this address")
	rate := flag.Int("rate", 8, "requests a second")
	life := flag.Duration("for", time.Minute, "end after this time")
	flag.Parse()
	if *address != "" {
		visit(*address, *rate)
		return
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	customers := exec.Command(os.Args[0], "-customers", listener.Addr().String(), "-rate", fmt.Sprint(*rate))
	pipe, err := customers.StdinPipe() // closed when this process ends, however it ends
	if err != nil {
		log.Fatal(err)
	}
	if err := customers.Start(); err != nil {
		log.Fatal(err)
	}
	time.AfterFunc(*life, func() {
		pipe.Close()
		customers.Wait()
		os.Exit(0)
	})
	fmt.Println("READY", os.Getpid())
	log.Fatal(http.Serve(listener, NewShop()))
}

// visit asks for this and that until standard input ends.
func visit(address string, rate int) {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	paths := []string{
		"/item?user=alice&name=teapot",
		"/item?user=bob&name=kettle",
		"/order?user=alice&name=teapot&count=2",
		"/item?user=mallory&name=safe",
		"/item?user=bob&name=unicorn",
		"/order?user=bob&name=kettle&count=100",
		"/report?user=alice",
	}
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
