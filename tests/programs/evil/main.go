// SPDX-License-Identifier: GPL-2.0-or-later

// What a hostile program is made of: strings and errors that hold what a terminal obeys, and names that are long enough
// for a test to write such things over them.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
)

type TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT struct {
	FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF string
}

//go:noinline
func NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN(AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA *TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT, e interface{}) (string, error) {
	return AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF, e.(error)
}

func main() {
	fmt.Println("READY", os.Getpid())
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		for i := 0; i < 3; i++ {
			evil := fmt.Sprint(i, "\x1b]0;pwned\x07\x9b31m\u202e\nFAKE() = 1\u009b2J\u2028\x7f\U000e0001")
			NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN(&TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT{evil}, errors.New("err\x1b[2J\nFAKE line\u009b\u202e\xff"))
		}
		fmt.Println("OK")
		if input.Text() == "end" {
			return
		}
	}
}
