# make prints this help. Nothing here needs more than Go and make; what the tests can
# use beyond that, they name when they skip.
GO ?= go
PKGS := ./...
FUZZTIME ?= 20s

.DEFAULT_GOAL := help
.PHONY: help demo build test check story race fuzz bench bench-sensor kernels generate proto sensor-bpf lint walls image

help: ## show this help
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A newcomer waits for the compiler: built without optimisation and without what only
# several machines need (docs/adr/0017-solo-build.md). DEMO='--story list' names stories.
demo: ## open the war room in a sandbox on this machine
	CGO_ENABLED=0 $(GO) build -tags solo -gcflags='all=-N -l -dwarf=false' -ldflags=-w -o bin/tocsin-demo ./cmd/tocsin
	./bin/tocsin-demo demo $(DEMO)

build: ## build the programs into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/tocsin ./cmd/tocsin-sensor

test: ## run all tests
	$(GO) test -parallel 4 -timeout 20m $(PKGS)

story: ## run the stories only: whole incidents, whole attacks
	$(GO) test -count=1 -run Stor ./cmd/tocsin

race: ## run all tests with the race detector (wants a C compiler)
	$(GO) test -race -timeout 25m $(PKGS)

fuzz: ## fuzz every parser for FUZZTIME each
	@$(GO) list $(PKGS) | while read -r p; do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$p || exit 1; \
		done; \
	done

# Databases that take long to make are kept in bench/cache. BENCH_DIVIDE=100 tries it small.
BENCH_DIVIDE ?= 1
bench: export TOCSIN_BENCH_DIR = $(CURDIR)/bench
bench: export TOCSIN_BENCH_CACHE = $(CURDIR)/bench/cache
bench: export TOCSIN_BENCH_DIVIDE = $(BENCH_DIVIDE)
bench: ## measure, and print every aim beside it; never fails on a number
	@mkdir -p bench/cache && rm -f bench/results.txt
	$(GO) test -run '^$$' -bench Aim -benchtime 1x -timeout 0 -o bench/app.test -cpuprofile bench/app.cpu.pprof -memprofile bench/app.heap.pprof ./internal/app
	$(GO) test -run '^$$' -bench . -benchtime 5s -timeout 0 -o bench/store.test -cpuprofile bench/store.cpu.pprof -memprofile bench/store.heap.pprof ./store
	@echo && awk -F' [|] ' '{printf "%s\n    aim: %s\n    measured: %s\n", $$1, $$2, $$3}' bench/results.txt

# BENCH_ROUNDS and BENCH_EXECS make it longer or shorter.
BENCH_ROUNDS ?= 10
BENCH_EXECS ?= 1500
bench-sensor: ## measure what watching a host costs, as root; never fails on a number
	TOCSIN_BENCH_ROUNDS=$(BENCH_ROUNDS) TOCSIN_BENCH_EXECS=$(BENCH_EXECS) $(GO) test -run '^$$' -bench 'Eyes|Million' -benchtime 1x -timeout 0 ./cmd/tocsin-sensor

kernels: ## run the sensor's tests on Debian's kernels 5.10, 6.1 and 6.12, in QEMU
	.ci/kernels

generate: ## write the generated tables in docs/ anew
	TOCSIN_GENERATE=1 TOCSIN_WRITE_DOCS=1 $(GO) test -count=1 -run 'TestDocs|Documented' ./cmd/tocsin ./integrations/...
	TOCSIN_GENERATE=1 $(GO) test -count=1 -run TestFallbacks ./sensor/bpf

proto: ## write the code of the wire formats anew (its tools have their own module file)
	cd internal/api/wire && $(GO) tool -modfile=../../../.ci/proto.mod buf generate
	cd sensor/wire && $(GO) tool -modfile=../../.ci/proto.mod buf generate

sensor-bpf: ## compile the sensor's kernel programs anew (wants clang, llvm-strip, libbpf-dev)
	$(GO) generate ./sensor/bpf

lint: ## run the linter (from its own module file)
	$(GO) tool -modfile=.ci/lint.mod golangci-lint run

walls: ## check who imports whom
	$(GO) test -count=1 ./internal/deps

check: ## what CI does, on a machine that has everything
	.ci/run

image: ## build the container image
	docker build -t tocsin .
