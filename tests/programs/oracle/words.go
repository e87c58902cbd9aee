// SPDX-License-Identifier: GPL-2.0-or-later

package oracle

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"
)

// A wordList collects the machine words of arguments, as a tracer sees them that knows no types.
type wordList struct {
	words []string
	plain bool // nothing but words in registers: no floats, no arrays, nothing without a size
}

func (l *wordList) add(t reflect.Type, p unsafe.Pointer) {
	at := func(i int) unsafe.Pointer { return unsafe.Pointer(uintptr(p) + uintptr(i)*8) }
	word := func(i int) {
		l.words = append(l.words, fmt.Sprintf(`"0x%x"`, *(*uint64)(at(i))))
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		l.words = append(l.words, fmt.Sprintf(`"0x%x"`, *(*uint8)(p)))
	case reflect.Int16, reflect.Uint16:
		l.words = append(l.words, fmt.Sprintf(`"0x%x"`, *(*uint16)(p)))
	case reflect.Int32, reflect.Uint32:
		l.words = append(l.words, fmt.Sprintf(`"0x%x"`, *(*uint32)(p)))
	case reflect.String, reflect.Interface:
		word(0)
		word(1)
	case reflect.Slice:
		word(0)
		word(1)
		word(2)
	case reflect.Struct:
		if t.NumField() == 0 {
			l.plain = false
		}
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			if f.Name == "_" {
				l.plain = false
			}
			l.add(f.Type, unsafe.Pointer(uintptr(p)+f.Offset))
		}
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Array:
		l.plain = false
	default:
		word(0)
	}
}

// argumentWords is a JSON array of all words, or null where they cannot be told.
func argumentWords(values []reflect.Value) string {
	l := wordList{plain: intRegisters > 0}
	types := make([]reflect.Type, len(values))
	for i, v := range values {
		types[i] = v.Type()
	}
	for _, in := range inRegisters(types, 0) {
		l.plain = l.plain && in
	}
	for _, v := range values {
		l.add(v.Type(), unsafe.Pointer(v.UnsafeAddr()))
	}
	if !l.plain {
		return "null"
	}
	return "[" + strings.Join(l.words, ",") + "]"
}
