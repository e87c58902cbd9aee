// A plugin (-buildmode=plugin) whose values of its own types the program pluginhost is given.
package main

import "strconv"

type Rate struct {
	Num, Den int
	Name     string
	Next     *Rate
	By       map[string]Rate
}

type Err struct{ Code int }

func (e *Err) Error() string { return "code " + strconv.Itoa(e.Code) }

func Make(n int) (interface{}, error) {
	return Rate{Num: n, Den: 2, Name: "rate", Next: &Rate{Num: 7}, By: map[string]Rate{"a": {Num: 8}}}, &Err{n}
}

func main() {}
