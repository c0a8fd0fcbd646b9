# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# make              everything: module, worker, client, simulator, unit tests
# make SANITIZE=1   the same with address and undefined-behaviour sanitizers, under build/sanitize/
# make help         all targets and variables
#
# Files are found by wildcard: a new .c file needs no line here. Every path is
# relative, so that the checkout may lie in a directory with spaces in its name.

SHELL       = /bin/bash
Q           = $(if $(V),,@)
MAKEFLAGS  += --no-builtin-rules

BUILD       = build
OUT        := $(if $(SANITIZE),$(BUILD)/sanitize,$(BUILD))

CC         ?= gcc
ifeq ($(origin CC),default)
CC          = gcc
endif
WARNINGS    = -Wall -Wextra -Werror -Wformat=2 -Wstrict-prototypes \
              -Wmissing-prototypes -Wwrite-strings -Wvla
HARDENING   = -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZERS  = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
              -fno-omit-frame-pointer
CFLAGS     ?= -O2 -g
LDFLAGS    ?=

IGJ_CFLAGS  = -std=c11 -D_GNU_SOURCE -pthread $(WARNINGS) \
              $(if $(SANITIZE),$(SANITIZERS),$(HARDENING)) $(CFLAGS) \
              $(CPPFLAGS)
IGJ_LDFLAGS = -pthread -Wl,-z,relro,-z,now -Wl,--as-needed \
              $(if $(SANITIZE),$(SANITIZERS)) $(LDFLAGS)

WORKER_DIRS = worker worker/engine worker/kinds worker/provider worker/classify
INCLUDES    = -Icommon -Iclient $(WORKER_DIRS:%=-I%) -I$(OUT)
INCLUDES   += $(shell pkg-config --cflags-only-I libpq 2>/dev/null)

WORKER_LIBS = -lcurl -lpq -lhiredis -lcjson -lssl -lcrypto -lz -lm
CLIENT_LIBS = -lcurl -lcjson -lcrypto
SIM_LIBS    = -lmicrohttpd -lcjson -lcrypto -lz -lm

PREFIX      = /usr/local
MODULES_DIR = $(shell PATH=$$PATH:/usr/sbin nginx -V 2>&1 | tr ' ' '\n' | \
                sed -n 's/^--modules-path=//p')
UNIT_DIR    = $(PREFIX)/lib/systemd/system

COMMON_SRC := $(wildcard common/*.c)
WORKER_SRC := $(wildcard $(WORKER_DIRS:%=%/*.c))
CLIENT_SRC := $(wildcard client/*.c)
SIM_SRC    := $(wildcard sim/*.c)
NAMES_SRC  := $(wildcard worker/classify/tool/*.c)
TEST_SRC   := $(wildcard t/unit/*.c)
MODULE_SRC := config $(wildcard *.c src/*.[ch] common/*.[ch]) \
    docs/openapi.json docs/openapi.html

objects     = $(patsubst %.c,$(OUT)/obj/%.o,$(1))

COMMON_OBJ := $(call objects,$(COMMON_SRC))
WORKER_OBJ := $(call objects,$(WORKER_SRC))
CLIENT_OBJ := $(call objects,$(CLIENT_SRC))
SIM_OBJ    := $(call objects,$(SIM_SRC))
NAMES_OBJ  := $(call objects,$(NAMES_SRC))
TEST_OBJ   := $(call objects,$(TEST_SRC))

MODULE      = $(OUT)/ngx_http_igjobs_module.so
WORKER      = $(OUT)/igjobs-worker
CLIENT      = $(OUT)/igjobs
SIM         = $(OUT)/igjobs-sim
NAMES       = $(OUT)/names.bin
TESTS      := $(patsubst t/unit/%.c,$(OUT)/t/%,$(TEST_SRC))

# a program whose main source is not there is left out
HAVE_MODULE = $(wildcard ngx_http_igjobs_module.c)
HAVE_WORKER = $(wildcard worker/main.c)
HAVE_CLIENT = $(wildcard client/main.c)
HAVE_SIM    = $(wildcard sim/main.c)

# what an output needs on the machine; says which package to install
need        = @stack/packages check $(1)


.PHONY: all module worker client sim names unit check lint openapi guard \
    install clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: module worker client sim names unit

module: $(if $(HAVE_MODULE),$(MODULE),skip-module)
worker: $(if $(HAVE_WORKER),$(WORKER),skip-worker)
client: $(if $(HAVE_CLIENT),$(CLIENT),skip-client)
sim:    $(if $(HAVE_SIM),$(SIM),skip-sim)
names:  $(if $(NAMES_SRC),$(NAMES),skip-names)
unit:   $(TESTS)

skip-%:
	@echo "note: no sources for '$*', left out"

.PHONY: tools
tools:
	$(call need,build)


# the nginx module: nginx's own configure builds it

$(MODULE): $(MODULE_SRC) stack/build-module | tools
	@echo "  MODULE $@"
	$(Q)+SANITIZE=$(SANITIZE) stack/build-module $@


# the given-name table, made from data/ and embedded in the worker; its maker
# never frees

$(OUT)/names-tool: $(NAMES_OBJ) $(COMMON_OBJ)
	@echo "  LINK   $@"
	$(Q)$(CC) $(IGJ_LDFLAGS) -o $@ $^ -lcrypto -lm

$(NAMES): data/given-names.csv data/regional-names.csv data/name-words.csv \
    $(OUT)/names-tool
	@echo "  NAMES  $@"
	$(Q)ASAN_OPTIONS=detect_leaks=0 $(OUT)/names-tool $(filter %.csv,$^) $@

$(filter $(OUT)/obj/worker/classify/%,$(WORKER_OBJ)): \
    $(if $(NAMES_SRC),$(NAMES))


# programs

$(WORKER): $(WORKER_OBJ) $(COMMON_OBJ)
	@echo "  LINK   $@"
	$(Q)$(CC) $(IGJ_LDFLAGS) -o $@ $^ $(WORKER_LIBS)

$(CLIENT): $(CLIENT_OBJ) $(COMMON_OBJ)
	@echo "  LINK   $@"
	$(Q)$(CC) $(IGJ_LDFLAGS) -o $@ $^ $(CLIENT_LIBS)

$(SIM): $(SIM_OBJ) $(COMMON_OBJ)
	@echo "  LINK   $@"
	$(Q)$(CC) $(IGJ_LDFLAGS) -o $@ $^ $(SIM_LIBS)


# unit tests: each links what it uses of common/ and worker/

$(OUT)/libunit.a: $(COMMON_OBJ) \
    $(filter-out $(OUT)/obj/worker/main.o,$(WORKER_OBJ))
	@echo "  AR     $@"
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

$(OUT)/t/%: $(OUT)/obj/t/unit/%.o $(OUT)/libunit.a
	@mkdir -p $(@D)
	@echo "  LINK   $@"
	$(Q)$(CC) $(IGJ_LDFLAGS) -o $@ $^ $(WORKER_LIBS)


$(OUT)/obj/%.o: %.c | tools
	@mkdir -p $(@D)
	@echo "  CC     $<"
	$(Q)$(CC) $(IGJ_CFLAGS) $(INCLUDES) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(COMMON_OBJ) $(WORKER_OBJ) $(CLIENT_OBJ) $(SIM_OBJ) \
    $(NAMES_OBJ) $(TEST_OBJ))


check:
	t/run

# the linters read headers that the module's build leaves, and the table
lint: module names
	stack/lint

# what is made of docs/openapi.*, and kept: building the module needs no Python
openapi:
	stack/openapi

# instructions of the hot paths against those kept, see bench/guard
guard: module worker sim
	$(call need,run guard)
	IGJOBS_BUILD=$(OUT) IGJOBS_SANITIZE=$(SANITIZE) bench/guard

install: module worker client sim
	$(call need,install)
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(MODULES_DIR)" \
	    "$(DESTDIR)$(PREFIX)/share/igjobs/sql" \
	    "$(DESTDIR)$(PREFIX)/share/doc/igjobs" "$(DESTDIR)$(UNIT_DIR)" \
	    "$(DESTDIR)$(PREFIX)/share/bash-completion/completions"
	install -m 755 $(WORKER) $(CLIENT) $(SIM) "$(DESTDIR)$(PREFIX)/bin"
	install -m 644 client/igjobs.bash \
	    "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/igjobs"
	install -m 644 $(MODULE) "$(DESTDIR)$(MODULES_DIR)"
	install -m 644 sql/*.sql "$(DESTDIR)$(PREFIX)/share/igjobs/sql"
	install -m 755 sql/migrate "$(DESTDIR)$(PREFIX)/share/igjobs/sql"
	install -m 644 LICENSE README.md CHANGELOG.md docs/*.md docs/openapi.yaml \
	    "$(DESTDIR)$(PREFIX)/share/doc/igjobs"
	sed 's|@PREFIX@|$(PREFIX)|g' stack/igjobs-worker.service.in \
	    >"$(DESTDIR)$(UNIT_DIR)/igjobs-worker.service"
	@echo
	@echo "First line of nginx.conf:"
	@echo "    load_module $(MODULES_DIR)/ngx_http_igjobs_module.so;"
	@echo "Tables and roles:"
	@echo "    $(PREFIX)/share/igjobs/sql/migrate --dsn 'dbname=igjobs'"

clean:
	rm -rf $(BUILD)

help:
	@echo "make [all]      module, worker, client, simulator and unit tests under $(BUILD)/"
	@echo "make module     $(MODULE)"
	@echo "make worker     $(WORKER)"
	@echo "make client     $(CLIENT)"
	@echo "make sim        $(SIM)"
	@echo "make names      $(NAMES), the given-name table"
	@echo "make unit       the unit test programs, $(OUT)/t/*"
	@echo "make check      all tests, the same as t/run"
	@echo "make lint       all linters, the same as stack/lint"
	@echo "make openapi    what is made of docs/openapi.yaml and docs/openapi.html"
	@echo "make guard      counts instructions of the hot paths, the same as bench/guard"
	@echo "make install    to DESTDIR and PREFIX ($(PREFIX)); the module to MODULES_DIR"
	@echo "make clean      removes $(BUILD)/"
	@echo "Variables: SANITIZE=1, V=1 (show commands), BUILD, CC, CFLAGS, CPPFLAGS, LDFLAGS, DESTDIR, PREFIX, MODULES_DIR"
