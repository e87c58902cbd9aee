// SPDX-License-Identifier: GPL-2.0-or-later

package oracle

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// Limits are the tracer's --depth, --strlen and --items.
type Limits struct {
	Depth, Strlen, Items int
}

// An encoder writes a value as the tracer has to show it. Where several answers are right it
// writes an object with one key that starts with '$', which no Go field can:
//
//	{"$f":32|64,"v":"1.5"}     a float, to be compared as a number
//	{"$xmm":V}                 floats in V travel in vector registers: V, or unavailable
//	{"$either":[V,...]}        one of these
//	{"$any":V}                 the language does not say (blank fields, what lies beyond depth)
//	{"$map":[[K,V],...],...}   entries in any order, a subset of them when cut
//	{"$time":"sec.nsec"}       an instant
//	{"$func":"name"}           a function
//	{"$iface":{...},...}       an interface, with the error's message
type encoder struct {
	strings.Builder
	lim   Limits
	path  []unsafe.Pointer
	shape bool // a pointer's type need not be known: its address will do
}

var (
	timeType     = reflect.TypeOf(time.Time{})
	durationType = reflect.TypeOf(time.Duration(0))
	errorType    = reflect.TypeOf((*error)(nil)).Elem()
)

// open gives a value that may be read freely, whether its field is exported or not.
func open(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	copied := reflect.New(v.Type()).Elem()
	copied.Set(v)
	return copied
}

func address(p uintptr) string {
	return fmt.Sprintf("\"0x%x\"", p)
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, width := utf8.DecodeRuneInString(s[i:])
		i += width
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func number(f float64, bits int) string {
	text := strconv.FormatFloat(f, 'g', -1, bits)
	if math.IsInf(f, 1) {
		text = "+Inf"
	}
	return fmt.Sprintf(`{"$f":%d,"v":"%s"}`, bits, text)
}

func hasFloat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return true
	}
	return false
}

// value encodes v, which must be addressable; depth is what is left of the limit.
func (e *encoder) value(v reflect.Value, depth int, register bool) {
	v = open(v)
	if register && hasFloat(v.Type()) {
		e.WriteString(`{"$xmm":`)
		e.value(v, depth, false)
		e.WriteByte('}')
		return
	}
	switch v.Type() {
	case timeType:
		t := v.Interface().(time.Time)
		fmt.Fprintf(e, `{"$time":"%d.%09d"}`, t.Unix(), t.Nanosecond())
		return
	case durationType:
		e.WriteString(quote(time.Duration(v.Int()).String()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		fmt.Fprint(e, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprint(e, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		fmt.Fprint(e, v.Uint())
	case reflect.Float32, reflect.Float64:
		e.WriteString(number(v.Float(), v.Type().Bits()))
	case reflect.Complex64, reflect.Complex128:
		bits := v.Type().Bits() / 2
		fmt.Fprintf(e, "[%s,%s]", number(real(v.Complex()), bits), number(imag(v.Complex()), bits))
	case reflect.String:
		e.text(v.String())
	case reflect.Slice:
		if v.IsNil() {
			e.WriteString("null")
			return
		}
		e.elements(v, depth, false)
	case reflect.Array:
		e.elements(v, depth, register)
	case reflect.Struct:
		e.fields(v, depth, register)
	case reflect.Ptr:
		e.pointer(v, depth)
	case reflect.Interface:
		e.iface(v, depth)
	case reflect.Map:
		e.entries(v, depth)
	case reflect.Chan:
		if v.IsNil() {
			e.WriteString("null")
			return
		}
		fmt.Fprintf(e, `{"addr":%s,"len":%d,"cap":%d}`, address(v.Pointer()), v.Len(), v.Cap())
	case reflect.Func:
		if v.IsNil() {
			e.WriteString("null")
			return
		}
		fmt.Fprintf(e, `{"$func":%s}`, quote(runtime.FuncForPC(v.Pointer()).Name()))
	case reflect.UnsafePointer:
		if v.Pointer() == 0 {
			e.WriteString(`{"$either":[null,"0x0"]}`)
			return
		}
		e.WriteString(address(v.Pointer()))
	}
}

func (e *encoder) text(s string) {
	if len(s) > e.lim.Strlen {
		fmt.Fprintf(e, `{"len":%d,"cut":%s}`, len(s), quote(s[:e.lim.Strlen]))
		return
	}
	e.WriteString(quote(s))
}

func (e *encoder) elements(v reflect.Value, depth int, register bool) {
	n := v.Len()
	if n > e.lim.Items {
		n = e.lim.Items
		fmt.Fprintf(e, `{"len":%d,"cut":`, v.Len())
		defer e.WriteByte('}')
	}
	e.WriteByte('[')
	for i := 0; i < n; i++ {
		if i > 0 {
			e.WriteByte(',')
		}
		e.value(v.Index(i), depth, register)
	}
	e.WriteByte(']')
}

func (e *encoder) fields(v reflect.Value, depth int, register bool) {
	e.WriteByte('{')
	for i := 0; i < v.NumField(); i++ {
		if i > 0 {
			e.WriteByte(',')
		}
		name := v.Type().Field(i).Name
		e.WriteString(quote(name) + ":")
		if name == "_" {
			e.WriteString(`{"$any":0}`)
			continue
		}
		e.value(v.Field(i), depth, register)
	}
	e.WriteByte('}')
}

func (e *encoder) pointer(v reflect.Value, depth int) {
	if v.IsNil() {
		e.WriteString("null")
		return
	}
	if depth == 0 {
		e.WriteString(address(v.Pointer()))
		return
	}
	p := unsafe.Pointer(v.Pointer())
	noticed := false
	for _, seen := range e.path {
		if seen == p {
			// A cycle: the tracer notices it, or follows once more.
			noticed = true
		}
	}
	if noticed || e.shape {
		fmt.Fprintf(e, `{"$either":[%s,`, address(v.Pointer()))
		defer e.WriteString("]}")
	}
	e.path = append(e.path, p)
	e.value(v.Elem(), depth-1, false)
	e.path = e.path[:len(e.path)-1]
}

// message is what Error() says; certain is true for the kinds whose message lies in memory.
func message(v reflect.Value) (text string, known, certain bool) {
	if !v.Type().Implements(errorType) {
		return "", false, false
	}
	defer func() {
		if recover() != nil {
			text, known, certain = "", false, false
		}
	}()
	text = v.Interface().(error).Error()
	switch v.Type().String() {
	case "*errors.errorString", "*fmt.wrapError", "syscall.Errno":
		return text, true, true
	}
	return text, true, false
}

func (e *encoder) iface(v reflect.Value, depth int) {
	if v.IsNil() {
		e.WriteString("null")
		return
	}
	dynamic := open(v.Elem())
	fmt.Fprintf(e, `{"$iface":{"type":%s,"value":`, quote(dynamic.Type().String()))
	switch {
	case depth == 0:
		e.WriteString(`{"$any":0}`)
	case dynamic.Kind() == reflect.Ptr && !dynamic.IsNil():
		// The interface's data word is the pointer: one step to what it points to.
		e.pointer(dynamic, depth)
	case dynamic.Kind() == reflect.Ptr:
		e.WriteString("null")
	case dynamic.Kind() != reflect.Struct && dynamic.Kind() != reflect.Array:
		e.value(dynamic, depth-1, false)
	default:
		// A struct that is one pointer may stand in the data word itself: then the interface was no step.
		e.WriteString(`{"$either":[`)
		e.value(dynamic, depth-1, false)
		e.WriteByte(',')
		e.value(dynamic, depth, false)
		e.WriteString("]}")
	}
	e.WriteByte('}')
	if text, known, certain := message(dynamic); known {
		if len(text) > e.lim.Strlen || depth == 0 {
			certain = false
		}
		fmt.Fprintf(e, `,"error":%s,"certain":%v`, quote(text), certain)
	}
	e.WriteByte('}')
}

func (e *encoder) entries(v reflect.Value, depth int) {
	if v.IsNil() {
		e.WriteString("null")
		return
	}
	var list []string
	for it := v.MapRange(); it.Next(); {
		entry := encoder{lim: e.lim, path: e.path, shape: e.shape}
		entry.WriteByte('[')
		entry.value(it.Key(), depth, false)
		entry.WriteByte(',')
		entry.value(it.Value(), depth, false)
		entry.WriteByte(']')
		list = append(list, entry.String())
	}
	sort.Strings(list)
	fmt.Fprintf(e, `{"$map":[%s],"len":%d,"items":%d}`, strings.Join(list, ","), v.Len(), e.lim.Items)
}
