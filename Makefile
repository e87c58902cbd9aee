# SPDX-License-Identifier: GPL-2.0-or-later
B       := build
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Werror
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -I$(B) $(WARN) $(CFLAGS) -MMD -MP
LDLIBS  := -lbpf -ldwarf -lelf -lcapstone -ljansson -lreadline -lz -lpthread

LIB_SRC  := $(wildcard base/*.c dwarf/*.c tracer/*.c tracer/*/*.c)
CLI_SRC  := $(wildcard cli/*.c)
UNIT_SRC := $(wildcard tests/unit/*_test.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ  := $(CLI_SRC:%.c=$(B)/%.o)
UNITS    := $(UNIT_SRC:%.c=$(B)/%)

all: $(B)/gotrace ## build gotrace (default)

$(B)/gotrace: $(CLI_OBJ) $(B)/libgotrace.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libgotrace.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/bpf/gotrace.bpf.o: bpf/gotrace.bpf.c Makefile
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -O2 -g -Wall -Wextra -Werror -I. -MMD -MP -c -o $@ $<

$(B)/bpf/gotrace.skel.h: $(B)/bpf/gotrace.bpf.o
	$(BPFTOOL) gen skeleton $< name gotrace_bpf > $@.tmp && mv $@.tmp $@

$(B)/tracer/backend/ebpf.o: $(B)/bpf/gotrace.skel.h

$(B)/tests/unit/%_test: tests/unit/%_test.c $(B)/libgotrace.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libgotrace.a -lcmocka $(LDLIBS)

units: $(UNITS) ## build the unit tests

test-unit: $(UNITS) ## run the unit tests (no root)
	@for t in $(UNITS); do echo "$$t"; $$t || exit 1; done

clean: ## remove build/
	rm -rf $(B)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: all units test-unit clean help
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
