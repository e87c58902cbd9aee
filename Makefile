# SPDX-License-Identifier: GPL-2.0-or-later
# All that is generated goes to $(B). `make help` lists the targets, DEVELOPERS.md explains them.
B       := build
ifeq ($(origin CC),default)
CC      := gcc
endif
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
WERROR  ?= -Werror
# Two live tests at a time, but for those that tests/live/rules.yml says.
PROVE   ?= prove -j2
FUZZ_SECONDS ?= 10
# A Go toolchain, to build the program that gotrace bench traces: the newest that is there.
GO      ?= $(lastword $(sort $(wildcard build/go/*/bin/go)))

# A line a file; V=1 shows the commands.
run = $(if $(V),$(2),@printf '  %-5s %s\n' $(1) $@; $(2))

VERSION := $(shell cat VERSION)$(shell git describe --always --dirty=+ --exclude='*' 2>/dev/null | sed 's/^/-g/')
# HASH_NONFATAL_OOM: without memory, uthash adds nothing (hh.tbl is NULL) in place of an exit.
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DHASH_NONFATAL_OOM=1 -I. -I$(B) -Wall -Wextra $(WERROR) $(CFLAGS) -MMD -MP

# gotrace is copied to servers as one file, so all but libc is linked from archives where there are
# any (STATIC=1: libc too). The order is that of use.
archive = $(if $(findstring /,$(shell $(CC) -print-file-name=lib$(1).a)),-l:lib$(1).a,-l$(1))
LIBS    := bpf dwarf elf capstone seccomp readline tinfo z
LDLIBS  := $(foreach l,$(LIBS),$(call archive,$(l))) $(filter -l:%,$(call archive,zstd)) -lpthread -lm
# Debian 13's libelf.a lacks a part of itself.
links   = $(shell echo 'int $(1)(void *); int main(void) { return $(1)(0); }' | $(CC) -x c - -o /dev/null $(LDLIBS) 2>&1)
ifneq ($(call links,elf_end),)
LDLIBS  := $(LDLIBS:-l:libelf.a=-lelf)
endif
ifeq ($(STATIC),1)
LDFLAGS += -static -Wl,--no-warnings
endif

LIB_SRC  := $(sort $(shell find base arch dwarf tracer -name '*.c'))
CLI_SRC  := $(sort $(shell find cli -name '*.c'))
UNIT_SRC := $(wildcard tests/unit/*_test.c)
CAPTURE_SRC := $(wildcard tests/captures/*_test.c)
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
EBPF_SRC := $(wildcard tracer/backend/ebpf/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ  := $(CLI_SRC:%.c=$(B)/%.o)
UNITS    := $(UNIT_SRC:%.c=$(B)/%)
UNIT_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))
CAPTURES := $(CAPTURE_SRC:%.c=$(B)/%)
FUZZERS  := $(FUZZ_SRC:%.c=$(B)/%)
LIVE     := $(B)/tests/live/differential $(B)/tests/live/verifier $(B)/tests/live/placements

FETCHED  := apt go kernels debian13

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

all: $(B)/gotrace $(if $(wildcard $(GO)),bench-target) ## build gotrace (default)

$(B)/gotrace: $(CLI_OBJ) $(B)/libgotrace.a
	$(call run,LINK,$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS))

# What unit tests need of cli/: the linker takes the files that are used.
$(B)/libcli.a: $(filter-out $(B)/cli/main.o,$(CLI_OBJ))
$(B)/libgotrace.a: $(LIB_OBJ)
$(B)/libcli.a $(B)/libgotrace.a:
	@rm -f $@
	$(call run,AR,$(AR) qcs $@ $^)

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(ALL_CFLAGS) -c -o $@ $<)

# Only these are compiled again when the version changes.
VERSIONED := $(B)/cli/main.o $(B)/cli/bench/formats.o
$(VERSIONED): ALL_CFLAGS += -DGOTRACE_VERSION='"$(VERSION)"'
$(VERSIONED): $(B)/version

# Files that change only when what they record does.
$(B)/flags: record = $(CC) $(ALL_CFLAGS)
$(B)/version: record = $(VERSION)
$(B)/bench-go: record = $(GO)
$(B)/flags $(B)/version $(B)/bench-go: FORCE
	@mkdir -p $(@D)
	@echo '$(record)' | cmp -s - $@ || echo '$(record)' >$@

# A BPF object, then a header that holds it. Linking one object alone leaves its BTF and drops its DWARF.
$(B)/%.full.o: %.bpf.c Makefile
	@mkdir -p $(@D)
	$(call run,BPF,$(CLANG) -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -O2 -g -Wall -Wextra $(WERROR) -I. -MMD -MP -c -o $@ $<)

$(B)/%.linked.o: $(B)/%.full.o
	@$(BPFTOOL) gen object $@ $<

$(B)/%.skel.h: $(B)/%.linked.o
	@$(BPFTOOL) gen skeleton $< name $(notdir $*)$(SKELETON_SUFFIX) >$@.tmp && mv $@.tmp $@

$(B)/bpf/%.skel.h: SKELETON_SUFFIX := _bpf

$(EBPF_SRC:%.c=$(B)/%.o): $(B)/bpf/gotrace.skel.h $(B)/bpf/floor.skel.h $(B)/bpf/meter.skel.h

$(B)/tests/unit/%: tests/unit/%.c $(UNIT_OBJ) $(B)/libcli.a $(B)/libgotrace.a
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(UNIT_OBJ) $(B)/libcli.a $(B)/libgotrace.a -lcmocka -ljansson $(LDLIBS))

$(B)/tests/captures/%: tests/captures/%.c $(B)/libgotrace.a
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libgotrace.a -lcmocka $(LDLIBS))

$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/libgotrace.a
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(ALL_CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(B)/libgotrace.a -ljansson $(LDLIBS))

$(B)/tests/live/%: tests/live/%.c $(B)/libgotrace.a
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libgotrace.a $(LDLIBS))

bench-target: $(B)/bench-target ## build the program that gotrace bench traces (needs GO, or build/go)

$(B)/bench-target: tests/programs/bench/main.go $(B)/bench-go
	@mkdir -p $(@D)
	$(call run,GO,$(if $(GO),,$(error a Go toolchain is needed: make go, or GO=/path/to/go)) GO111MODULE=off GOFLAGS= '$(GO)' build -trimpath -o $@ $<)

units: $(UNITS) ## build the unit tests

fuzzers: $(FUZZERS)

go: ## fetch the Go toolchains that the live tests use, into build/go
	@tests/fetch-go build/go

test: lint ## run what every change has to pass: lint, unit, captures, sanitize, fuzz, live
	+@tests/run unit captures sanitize fuzz live

test-unit: $(UNITS) ## run the unit tests (no root)
	@tests/at-once tests/run-program $(UNITS)

test-captures: $(CAPTURES) ## replay recorded captures against expected text and JSON (no root)
	@tests/at-once tests/run-program $(CAPTURES)

test-sanitize: ## run both of them under ASan and UBSan (no root)
	+@$(MAKE) --no-print-directory B=$(B)/sanitize CFLAGS='-O1 -g $(SANITIZE)' test-unit test-captures

test-live-asan: go ## trace real Go programs by a gotrace under ASan and UBSan (root; leaks are not searched)
	+@$(MAKE) --no-print-directory B=$(B)/sanitize CFLAGS='-O1 -g $(SANITIZE)' $(B)/sanitize/gotrace
	ASAN_OPTIONS=detect_leaks=0 GOTRACE=$(B)/sanitize/gotrace LIVE_VERSIONS="$${LIVE_VERSIONS:-1.15 1.27}" $(PROVE) $(addprefix tests/live/,conditions.t aggregates.t stacks.t)

test-fuzz: ## run every fuzz target for FUZZ_SECONDS (no root)
	+@$(MAKE) --no-print-directory B=$(B)/fuzz CC=$(CLANG) CFLAGS='-O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link' fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/at-once tests/run-fuzzer $(FUZZ_SRC:%.c=$(B)/fuzz/%)

test-live: all go $(LIVE) ## trace real Go programs built by every toolchain (root)
	HARNESS_RULESFILE=tests/live/rules.yml $(PROVE) tests/live/

test-slow: ## test-live with everything for each toolchain, which takes an hour (root)
	+@LIVE_MATRIX=whole $(MAKE) --no-print-directory test-live

test-placements: all go $(LIVE) ## check where arguments and results are, in all functions of big executables (root)
	PLACEMENTS=all LIVE_MATRIX=whole $(PROVE) -v tests/live/placements.t

test-kernels: all $(LIVE) ## a smoke test of gotrace on Debian's kernels, under emulation (root)
	@tests/kernels/run

test-debian13: ## build and run the unit tests on Debian 13, in a folder (root)
	@tests/debian13

bench: all ## measure what tracing costs, attaching, and rates (root)
	@tests/fetch-go build/go 1.24 1.27
	@tests/bench/run

bench-readme: all ## measure what docs/cost.md shows, and put it there (root)
	@tests/fetch-go build/go 1.24
	@+$(MAKE) --no-print-directory bench-target GO=build/go/1.24/bin/go
	@tests/readme cost

readme: all ## run what README.md and docs/ show, and put it there (root)
	@tests/fetch-go build/go 1.24 1.27
	@tests/readme
	@tests/picture

demo: all ## trace a sample server for five seconds (root)
	@examples/run service

lint: all ## check format, includes, words, calls, scripts and the manual page
	@tests/lint/run

install: all ## install below PREFIX (default /usr/local), with DESTDIR before it
	install -D -m 755 $(B)/gotrace $(DESTDIR)$(PREFIX)/bin/gotrace
	$(if $(wildcard $(B)/bench-target),install -D -m 755 $(B)/bench-target $(DESTDIR)$(PREFIX)/lib/gotrace/bench-target)
	install -D -m 644 gotrace.1 $(DESTDIR)$(PREFIX)/share/man/man1/gotrace.1
	install -D -m 644 completions/gotrace.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/gotrace
	install -D -m 644 completions/gotrace.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_gotrace
	install -D -m 644 completions/gotrace.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/gotrace.fish

uninstall: ## remove what install put there
	rm -rf $(DESTDIR)$(PREFIX)/lib/gotrace
	rm -f $(DESTDIR)$(PREFIX)/bin/gotrace $(DESTDIR)$(PREFIX)/share/man/man1/gotrace.1
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/gotrace
	rm -f $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_gotrace
	rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/gotrace.fish

clean: ## remove what was built, but not what was fetched for it
	@mkdir -p $(B)
	find $(B) -mindepth 1 -maxdepth 1 $(FETCHED:%=! -name %) -exec rm -rf {} +

distclean: ## remove build/ altogether
	rm -rf $(B)

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 20

.PHONY: all units fuzzers go test test-unit test-captures test-sanitize test-live-asan test-fuzz test-live test-slow
.PHONY: test-placements test-kernels test-debian13 bench bench-target bench-readme readme demo lint install uninstall clean distclean help FORCE
.SECONDARY:
.DELETE_ON_ERROR:
-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(UNITS:=.d) $(UNIT_OBJ:.o=.d) $(CAPTURES:=.d) $(FUZZERS:=.d) $(B)/bpf/gotrace.full.d
