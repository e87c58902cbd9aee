// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.18
// +build go1.18

package main

//go:noinline
func apply[T any](value T, f func(T) int) int { return f(value) + sHere(next()) }

type box[T any] struct{ value T }

//go:noinline
func (b *box[T]) each(f func(T)) {
	f(b.value)
	sHere(next())
}

func inlinedGeneric[T any](value T, id int) int { return sHere(id) }

//go:noinline
func more() {
	apply(1, func(n int) int { return sHere(next()) + n })
	apply("text", func(s string) int { return inlinedGeneric(s, next()) })
	(&box[map[string]int]{}).each(func(map[string]int) { sHere(next()) })
	f := (&box[int]{3}).each
	f(func(int) { sHere(next()) })
	var i interface{ each(func(string)) } = &box[string]{"x"}
	i.each(func(string) { inlinedGeneric(1.5, next()) })
}
