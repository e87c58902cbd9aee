// SPDX-License-Identifier: GPL-2.0-or-later
// What cCall's parameters and results lead to, as JSON: what a trace that shows these expressions has to say. Where Go
// panics, it says why there is nothing.
package main

import (
	"fmt"
	"strconv"
)

type shown struct {
	text string
	say  func(a *args) string
}

func unavailable(format string, args ...interface{}) string {
	return fmt.Sprintf(`{"unavailable":%q}`, fmt.Sprintf(format, args...))
}

func element(index, num int, say func() string) string {
	if index < num {
		return say()
	}
	if num == 1 {
		return unavailable("index %d of 1 element", index)
	}
	return unavailable("index %d of %d elements", index, num)
}

func ofNode(name string, n *node, say func(n *node) string) string {
	if n == nil {
		return unavailable("nil " + name)
	}
	return say(n)
}

func key(m map[string]int, key string) string {
	if value, ok := m[key]; ok {
		return strconv.Itoa(value)
	}
	return unavailable("no key %q", key)
}

var entryShown = []shown{
	{"n", func(a *args) string { return strconv.Itoa(a.n) }},
	{"s", func(a *args) string { return strconv.Quote(a.s) }},
	{"len(s)", func(a *args) string { return strconv.Itoa(len(a.s)) }},
	{"s[3]", func(a *args) string {
		return element(3, len(a.s), func() string { return strconv.Itoa(int(a.s[3])) })
	}},
	{"p.val", func(a *args) string {
		return ofNode("p", a.p, func(n *node) string { return strconv.Itoa(n.val) })
	}},
	{"p.name", func(a *args) string {
		return ofNode("p", a.p, func(n *node) string { return strconv.Quote(n.name) })
	}},
	{"p.arr[1]", func(a *args) string {
		return ofNode("p", a.p, func(n *node) string { return strconv.Itoa(int(n.arr[1])) })
	}},
	{"p.next.next.val", func(a *args) string {
		return ofNode("p", a.p, func(n *node) string {
			return ofNode("p.next", n.next, func(n *node) string {
				return ofNode("p.next.next", n.next, func(n *node) string { return strconv.Itoa(n.val) })
			})
		})
	}},
	{"xs[1]", func(a *args) string {
		return element(1, len(a.xs), func() string { return strconv.Quote(a.xs[1]) })
	}},
	{"len(xs)", func(a *args) string { return strconv.Itoa(len(a.xs)) }},
	{"len(m)", func(a *args) string { return strconv.Itoa(len(a.m)) }},
	{`m["3"]`, func(a *args) string { return key(a.m, "3") }},
	{"wide.names[1]", func(a *args) string { return strconv.Quote(a.wide.names[1]) }},
	{"any.(*main.node).val", func(a *args) string {
		switch v := a.any.(type) {
		case nil:
			return unavailable("nil any")
		case *node:
			return ofNode("*main.node", v, func(n *node) string { return strconv.Itoa(n.val) })
		default:
			return unavailable("it holds %T", v)
		}
	}},
	{"a.k.grid[1][2]", func(a *args) string { return strconv.Itoa(a.k.grid[1][2]) }},
	{"a.k.list[2].inner.name", func(a *args) string { return strconv.Quote(a.k.list[2].name) }},
	{"a.k.nodes[1].name", func(a *args) string { return strconv.Quote(a.k.nodes[1].name) }},
	{"len(a.k.ch)", func(a *args) string { return strconv.Itoa(len(a.k.ch)) }},
}

var returnShown = []shown{
	{"ret", func(a *args) string { return strconv.Itoa(a.ret) }},
	{"out.val", func(a *args) string {
		return ofNode("out", a.out, func(n *node) string { return strconv.Itoa(n.val) })
	}},
	{"list[2]", func(a *args) string {
		return element(2, len(a.list), func() string { return strconv.Itoa(a.list[2]) })
	}},
	{"text", func(a *args) string { return strconv.Quote(a.text) }},
}

// sayShown: the expressions, a line each, then two lines a call: its entry and its return.
func sayShown(all []*args) {
	for _, list := range [][]shown{entryShown, returnShown} {
		for i := range list {
			fmt.Println("expression", list[i].text)
		}
	}
	for _, a := range all {
		for _, list := range [][]shown{entryShown, returnShown} {
			text := ""
			for i := range list {
				if i > 0 {
					text += ","
				}
				text += strconv.Quote(list[i].text) + ":" + list[i].say(a)
			}
			fmt.Println("{" + text + "}")
		}
	}
}
