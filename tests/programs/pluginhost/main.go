//go:build withcgo
// +build withcgo

// Loads a plugin and hands values of its types around, and one of a type that is made at run time.
package main

import (
	"os"
	"plugin"
	"reflect"
	"time"
)

//go:noinline
func show(v interface{}, err error) bool { return v != nil }

func main() {
	loaded, err := plugin.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	made, _ := loaded.Lookup("Make")
	for i := 0; i < 2; i++ {
		time.Sleep(100 * time.Millisecond)
		show(made.(func(int) (interface{}, error))(i))
	}
	fields := []reflect.StructField{{Name: "A", Type: reflect.TypeOf(0)}}
	show(reflect.New(reflect.StructOf(fields)).Elem().Interface(), nil)
	time.Sleep(100 * time.Millisecond)
}
