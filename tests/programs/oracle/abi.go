// SPDX-License-Identifier: GPL-2.0-or-later

package oracle

import "reflect"

// registers counts what is taken while a parameter list is assigned.
type registers struct {
	ints, floats int
}

// need adds what a value of type t takes; false when it can only lie on the stack.
func (r *registers) need(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64:
		r.floats++
	case reflect.Complex64, reflect.Complex128:
		r.floats += 2
	case reflect.String, reflect.Interface:
		r.ints += 2
	case reflect.Slice:
		r.ints += 3
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			if !r.need(t.Field(i).Type) {
				return false
			}
		}
	case reflect.Array:
		switch t.Len() {
		case 0:
		case 1:
			return r.need(t.Elem())
		default:
			return false
		}
	default:
		r.ints++
	}
	return r.ints <= intRegisters && r.floats <= floatRegisters
}

// inRegisters says for each type of a parameter or result list whether it travels in registers.
// hidden is the number of words (a generic function's dictionary) that go before.
func inRegisters(types []reflect.Type, hidden int) []bool {
	taken := registers{ints: hidden}
	in := make([]bool, len(types))
	for i, t := range types {
		next := taken
		if t.Size() > 0 && next.need(t) {
			taken = next
			in[i] = true
		}
	}
	return in
}
