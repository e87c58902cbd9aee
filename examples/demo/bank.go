// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"time"
)

// Bank is where the money comes from.
type Bank struct {
	Fee int64
}

// BusyError asks to try again.
type BusyError struct {
	Code int
}

func (e *BusyError) Error() string { return fmt.Sprintf("the bank is busy: code %d", e.Code) }

var bank = &Bank{Fee: 1}

// Charge takes the money from a customer. Bob's card makes it slow, and it seldom works at once.
func (bank *Bank) Charge(user string, cents int64, attempt int) error {
	if user != "bob" {
		time.Sleep(2 * time.Millisecond)
		return nil
	}
	time.Sleep(20 * time.Millisecond)
	if attempt == 1 {
		return &BusyError{503}
	}
	return nil
}

// pay tries more than once.
func pay(user string, cents int64) (err error) {
	for attempt := 1; attempt <= 3; attempt++ {
		if err = bank.Charge(user, cents, attempt); err == nil {
			return nil
		}
	}
	return err
}
