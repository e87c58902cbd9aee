// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.22
// +build go1.22

package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

func later() {
	for _, address := range []string{"2001:db8::1", "fe80::1"} {
		prints(address, netip.MustParseAddr(address))
		prints("["+address+"]", netip.AddrPortFrom(netip.MustParseAddr(address), 80))
		prints(address+"/20", netip.PrefixFrom(netip.MustParseAddr(address), 20))
	}
	details()
	var number atomic.Int64
	number.Store(-5)
	is("int64", "-5", &number)
	var flag atomic.Bool
	flag.Store(true)
	is("bool", "true", &flag)
	for _, level := range []slog.Level{-8, -4, -1, 0, 2, 4, 8, 9} {
		prints("level "+level.String(), level)
	}
	now := time.Now()
	for _, attr := range []slog.Attr{
		slog.Int("i", -3), slog.Uint64("u", 1<<63), slog.Bool("b", true), slog.Duration("d", 1500*time.Millisecond),
		slog.Float64("f", 2.5), slog.Any("nil", nil),
	} {
		prints("attr "+attr.Key, attr)
	}
	record := slog.NewRecord(now, slog.LevelWarn, "slow", 0)
	record.Add("took", time.Second, "n", 3)
	is("record", `WARN "slow" took=1s n=3`, record)
	is("without cancel", "ctx(without cancel)", context.WithoutCancel(context.Background()))
	is("null of int", "5", sql.Null[int]{V: 5, Valid: true})
	failsWith("joined", errors.Join(errors.New("one"), errors.New("two")))
	is("long", `"`+strings.Repeat("x", 64)+`"...+36 bytes`, strings.NewReader(strings.Repeat("x", 100)))
}
