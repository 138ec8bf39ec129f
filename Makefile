# make prints this help. Nothing here needs more than Go and make; what the tests can
# use beyond that, they name when they skip.
GO ?= go
PKGS := ./...
FUZZTIME ?= 20s

.DEFAULT_GOAL := help
.PHONY: help demo build test check story race fuzz bench generate lint walls image

help: ## show this help
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Built without optimisation: a newcomer waits a third less for the first page.
demo: ## open the war room in a sandbox on this machine
	CGO_ENABLED=0 $(GO) build -gcflags='all=-N -l' -o bin/tocsin ./cmd/tocsin
	./bin/tocsin demo

build: ## build the program into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/tocsin ./cmd/tocsin

test: ## run all tests
	$(GO) test -parallel 4 $(PKGS)

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

bench: ## measure; prints, never fails on a number
	$(GO) test -run '^$$' -bench . -benchmem $(PKGS)

generate: ## write the generated tables in docs/ anew
	TOCSIN_GENERATE=1 $(GO) test -count=1 -run TestDocs ./cmd/tocsin

lint: ## run the linter (from its own module file)
	$(GO) tool -modfile=.ci/lint.mod golangci-lint run

walls: ## check who imports whom
	$(GO) test -count=1 ./internal/deps

check: ## what CI does, on a machine that has everything
	.ci/run

image: ## build the container image
	docker build -t tocsin .
