// SPDX-License-Identifier: GPL-2.0-or-later

// Calls show with a value of each well-known type, and says how the value prints itself.
package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

type UUID [16]byte

type contextKey string

type empty struct{}

type status int16

const (
	failed status = iota - 1
	idle
	busy
	alsoBusy = busy
)

//go:noinline
func show(name string, v interface{}) bool { return v != nil }

//go:noinline
func fails(name string, err error) bool { return err != nil }

// is shows a value, which prints as want.
func is(name, want string, v interface{}) {
	said, _ := json.Marshal(want)
	fmt.Printf("%s\t%s\n", name, said)
	show(name, v)
}

// prints shows a value that prints as fmt.Sprint prints it.
func prints(name string, v interface{}) { is(name, fmt.Sprint(v), v) }

func failsWith(name string, err error) {
	said, _ := json.Marshal(err.Error())
	fmt.Printf("%s\t%s\n", name, said)
	fails(name, err)
}

func parse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u
}

func addresses() {
	prints("ip4", net.ParseIP("192.0.2.1").To4())
	prints("ip4 in 16 bytes", net.ParseIP("192.0.2.1"))
	prints("ip6", net.ParseIP("2001:db8::1:0:0:1"))
	prints("ip6 zero", net.IPv6zero)
	prints("mask", net.CIDRMask(20, 32))
	prints("hardware", net.HardwareAddr{0, 0x1b, 0x44, 0x11, 0x3a, 0xb7})
	_, network, _ := net.ParseCIDR("10.1.2.3/12")
	prints("network", network)
	prints("odd mask", &net.IPNet{IP: net.IPv4(10, 0, 0, 0), Mask: net.IPv4Mask(255, 0, 255, 0)})
	prints("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80})
	prints("tcp6", &net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 443, Zone: "eth0"})
	prints("tcp any", &net.TCPAddr{Port: 8080})
	prints("udp", &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 53})
	prints("unix", &net.UnixAddr{Name: "/run/x.sock", Net: "unix"})
}

func urls() {
	for i, address := range []string{
		"http://example/a%20b?q=1&r=2#top", "https://user@host:8443/", "mailto:a@example.com", "/only/path",
		"a/b:c", "http://example", "http://[::1]:80/%2f/x", "//host/x", "file:///etc/passwd", "?q", "http://h/?", "*", "http://h/ä",
	} {
		prints(fmt.Sprint("url ", i), parse(address))
	}
	is("password", "ftp://me:xxxxx@host/", parse("ftp://me:secret@host/"))
}

func web() {
	r := httptest.NewRequest("POST", "/user?name=zed", strings.NewReader("x"))
	is("server's request", "POST /user?name=zed HTTP/1.1", r)
	r, _ = http.NewRequest("GET", "http://example/x?y=1", nil)
	is("client's request", "GET http://example/x?y=1 HTTP/1.1", r)
	is("response", "HTTP/1.1 404 Not Found, 12 bytes", &http.Response{Proto: "HTTP/1.1", Status: "404 Not Found", ContentLength: 12})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is("no answer yet", "nothing written", w)
		w.WriteHeader(http.StatusTeapot)
		w.Write([]byte("hello"))
		is("answer", "418, 5 bytes", w)
	})
	file, _ := listener.(*net.TCPListener).File()
	defer file.Close()
	is("listener", fmt.Sprintf("%s, fd N", listener.Addr()), listener)
	go http.Serve(listener, handler)
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	is("connection", fmt.Sprintf("%s -> %s, fd N", conn.LocalAddr(), conn.RemoteAddr()), conn)
	fmt.Fprintf(conn, "GET / HTTP/1.0\r\n\r\n")
	line, _ := bufio.NewReader(conn).ReadString('\n')
	if !strings.Contains(line, "418") {
		panic(line)
	}
}

// Up to Go 1.20 the two roots have the same type.
func root(name string) string {
	if fmt.Sprintf("%T", context.Background()) == "*context.emptyCtx" {
		name = "empty"
	}
	return "ctx(" + name + ")"
}

func contexts() {
	ctx := context.Background()
	is("background", root("background"), ctx)
	ctx, cancel := context.WithCancel(ctx)
	is("cancel", "ctx(cancel)", ctx)
	end := time.Now().Add(time.Hour)
	ctx, stop := context.WithDeadline(ctx, end)
	deadline := "deadline " + end.UTC().Format(time.RFC3339Nano)
	is("deadline", "ctx("+deadline+")", ctx)
	valued := context.WithValue(context.WithValue(ctx, contextKey("id"), 1), empty{}, 2)
	is("values", "ctx(value main.empty, value main.contextKey(\"id\"), "+deadline+")", valued)
	cancel()
	is("canceled", "ctx("+deadline+", canceled)", ctx)
	stop()
	ctx, stop = context.WithTimeout(context.Background(), -1)
	past, _ := ctx.Deadline()
	is("exceeded", "ctx(deadline "+past.UTC().Format(time.RFC3339Nano)+", deadline exceeded)", ctx)
	stop()
}

func locks() {
	var mutex sync.Mutex
	is("unlocked", "unlocked", &mutex)
	mutex.Lock()
	is("locked", "locked", &mutex)
	var rw sync.RWMutex
	is("rw unlocked", "unlocked", &rw)
	rw.RLock()
	rw.RLock()
	is("readers", "2 readers", &rw)
	rw.RUnlock()
	rw.RUnlock()
	rw.Lock()
	is("writer", "locked", &rw)
	var group sync.WaitGroup
	group.Add(3)
	is("group", "3", &group)
	var once sync.Once
	is("not done", "not done", &once)
	once.Do(func() {})
	is("done", "done", &once)
}

func buffers() {
	var buffer bytes.Buffer
	buffer.WriteString("hello, world")
	buffer.Next(7)
	is("buffer", `"world"`, &buffer)
	var builder strings.Builder
	builder.WriteString("a \"b\"")
	is("builder", `"a \"b\""`, &builder)
	reader := strings.NewReader("hello")
	reader.ReadByte()
	is("reader", `"ello"`, reader)
	is("bytes", `"abc"`, bytes.NewReader([]byte("abc")))
	buffered := bufio.NewReader(reader)
	buffered.Peek(2)
	is("buffered", "4 bytes buffered", buffered)
	pending := bufio.NewWriter(&buffer)
	pending.WriteString("xyz")
	is("pending", "3 bytes pending", pending)
}

func numbers() {
	prints("zero", new(big.Int))
	prints("small", big.NewInt(-42))
	prints("big", new(big.Int).Exp(big.NewInt(7), big.NewInt(200), nil))
	prints("tens", new(big.Int).Exp(big.NewInt(10), big.NewInt(36), nil))
	prints("rat", big.NewRat(-3, 4))
	prints("rat zero", new(big.Rat))
	prints("month", time.March)
	prints("weekday", time.Saturday)
	is("utc", "UTC", time.UTC)
	prints("zone", time.FixedZone("Nowhere", 3600))
	is("uuid", "f47ac10b-58cc-4372-a567-0e02b2c3d479", UUID{0xf4, 0x7a, 0xc1, 0x0b, 0x58, 0xcc, 0x43, 0x72, 0xa5, 0x67, 0x0e, 0x02, 0xb2, 0xc3, 0xd4, 0x79})
}

func files() {
	file, err := os.Open("/etc/passwd")
	if err != nil {
		panic(err)
	}
	is("file", `"/etc/passwd", fd `+fmt.Sprint(file.Fd()), file)
	prints("mode", os.FileMode(0640))
	prints("directory", os.ModeDir|os.ModeSticky|0777)
	prints("errno", syscall.ENOENT)
	is("command", "ls -l /", exec.Command("ls", "-l", "/"))
	is("regexp", `"a+\\.b"`, regexp.MustCompile(`a+\.b`))
	prints("type", reflect.TypeOf(map[string]*empty{}))
	is("null", "NULL", sql.NullString{})
	is("string", `"x"`, sql.NullString{String: "x", Valid: true})
	is("null's int", "7", sql.NullInt64{Int64: 7, Valid: true})
	is("null's float", "1.5", sql.NullFloat64{Float64: 1.5, Valid: true})
	is("null's bool", "true", sql.NullBool{Bool: true, Valid: true})
}

// A constant of a named integer type prints its name if no other has the same value.
func constants() {
	is("negative", "main.failed", failed)
	is("zero", "main.idle", idle)
	is("two names", "1", busy)
	is("no name", "7", status(7))
	is("of a package", "reflect.Struct", reflect.Struct)
	is("of net/http", "http.StateIdle", http.StateIdle)
	is("signal", "syscall.SIGINT", syscall.SIGINT)
	type status int16 // not the type that has the constants
	is("local type", "-1", status(-1))
}

func errs() {
	_, err := os.Open("/no/such/file")
	failsWith("path error", err)
	failsWith("wrapped", fmt.Errorf("starting: %w", err))
	_, err = net.Dial("tcp", "127.0.0.1:1")
	failsWith("op error", err)
	failsWith("dns", &net.DNSError{Err: "no such host", Name: "x.invalid", Server: "10.0.0.1:53"})
	failsWith("address", &net.AddrError{Err: "missing port", Addr: "x"})
	_, err = http.Get("http://127.0.0.1:1/x")
	failsWith("get", err)
	failsWith("context", context.DeadlineExceeded)
	_, err = exec.LookPath("no-such-program")
	failsWith("exec", err)
	failsWith("plain", errors.New("plain"))
}

type account struct {
	Name, Password string
	Tries          int
	HasToken       bool
}

// Whatever is not "open" is secret.
//
//go:noinline
func login(name, password string, a *account, h http.Header, c *http.Cookie, key interface{}) (n int, token string) {
	return len(name), password + a.Password
}

func secrets() {
	request, _ := http.NewRequest("GET", "http://open:hunter2@example.com/", nil)
	request.Header.Set("Authorization", "hunter2hunter2")
	request.Header.Set("Accept", "open/accept")
	cookie := &http.Cookie{Name: "open-cookie", Value: "hunter2hunter2"}
	login("open-name", "hunter2hunter2", &account{"open-account", "hunter2hunter2", 3, true}, request.Header, cookie, request.URL)
}

func main() {
	if len(os.Args) < 2 {
		fmt.Println("READY", os.Getpid())
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	addresses()
	urls()
	web()
	contexts()
	locks()
	buffers()
	numbers()
	files()
	constants()
	errs()
	later()
	secrets()
	fmt.Println("DONE")
}
