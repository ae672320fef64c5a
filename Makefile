# Targets are documented by their ## comments: make help.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO        ?= go
GOFUMPT   := $(GO) run mvdan.cc/gofumpt@v0.12.0
LINT      := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BIN       := bin/sagacheck
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export GOFLAGS += -buildvcs=false
# Programs and tests are built alike, so that what they share is compiled once.
export CGO_ENABLED ?= 0

# Packages that start goroutines: tested with the race detector.
RACY := ./wire ./harness ./orchestrators ./participants ./reference ./reference/api ./reference/store ./history ./results ./reports ./queue ./internal/...

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/sagacheck
	@mkdir -p bin
	$(GO) build -ldflags '-X main.version=$(VERSION)' -o $(BIN) ./cmd/sagacheck

.PHONY: run
run: build ## build, then run every scenario under curated and drawn faults
	$(BIN) run

# What builds it: docker, or buildah or podman.
DOCKER ?= docker
BASE   ?= scratch
.PHONY: image
image: ## an image of sagacheck (deploy/Dockerfile)
	scripts/image.sh $(VERSION)
	$(DOCKER) build --build-arg BASE=$(BASE) -f deploy/Dockerfile -t sagacheck bin/image

TESTED := ./...
.PHONY: test
test: ## all tests (installs what they need: scripts/setup.sh)
	scripts/setup.sh
	$(GO) test -p 1 -parallel 4 -timeout 30m $(TESTFLAGS) $(TESTED) # most of it waits for time-outs
	$(GO) -C examples/shop test -timeout 5m ./...
	$(GO) -C deploy test -timeout 5m ./...

.PHONY: test-rest
test-rest: ## the tests that make check does not run, which has those of RACY
	$(MAKE) test TESTED="$$(comm -23 <($(GO) list ./... | sort) <($(GO) list $(RACY) | sort) | tr '\n' ' ')"

.PHONY: check
check: ## what CI checks besides: format, linters, imports, stale pages, leaks, races
	scripts/setup.sh
	scripts/check-format.sh $(GOFUMPT)
	$(LINT) run ./...
	$(GO) test -count=1 ./internal/arch
	$(GO) test -count=1 -run '$(PAGES)' $(PAGED)
	CGO_ENABLED=1 $(GO) test -count=1 -race -skip 'Page|Control|Defects' ./simulation
	CGO_ENABLED=1 $(GO) test -count=1 -race -parallel 2 $(RACY) # all that waits runs at once elsewhere: with races looked for, a machine is late by that

# Tests that say whether a generated page or schema is stale; -update rewrites it.
PAGES := Page|TrackRecord|SchemaIsFresh|TestSchema$$
PAGED := ./cmd/sagacheck ./simulation ./scenarios ./orchestrators ./results ./workflows ./reference/policies

.PHONY: docs
docs: ## write the generated pages and schemas anew
	for p in $(PAGED); do $(GO) test -count=1 -run '$(PAGES)' $$p -update; done

.PHONY: lint
lint: ## what .golangci.yml enables: vet and staticcheck among others
	$(LINT) run ./...

.PHONY: fmt
fmt: ## format the code
	$(GOFUMPT) -w $$(git ls-files '*.go')

# GOGC as the command sets it, see cmd/sagacheck/main.go.
.PHONY: bench
bench: ## benchmarks (cells, calls, processes, checkers, models, reference executor, results, reports, workers), and their ratios
	GOGC=400 $(GO) test -run '^$$' -bench . -benchtime 3s -timeout 60m ./harness ./simulation ./checkers ./models ./reference ./results ./reports ./scenarios ./queue ./campaign | scripts/bench-ratios.sh

.PHONY: soak
soak: ## 20,000 cells of controls in which nothing may be found, with the upper bound of false alarms
	$(GO) test -count=1 -timeout 60m -run TestSoak -v ./cmd/sagacheck -soak 20000 -soak-parallel 0

.PHONY: virtual-soak
virtual-soak: ## 100,000 cells of the control in memory and virtual time, with the upper bound of false alarms
	$(GO) test -count=1 -timeout 60m -run TestControlSoak -v ./simulation -cells 100000

.PHONY: searches
searches: ## look for each planted defect in virtual time, 20 times by each way, and write docs/search.md
	$(GO) test -count=1 -timeout 120m -run TestSearches ./simulation -search-seeds 20

.PHONY: leaks
leaks: ## ten minutes of runs, after each of which nothing may be left
	$(GO) test -count=1 -timeout 30m -run TestLongRunStaysFlat -v ./cmd/sagacheck -long-run 10m

.PHONY: torture
torture: ## kill the reference executor 200 times on either store, with worse in between
	$(GO) test -count=1 -timeout 20m -run TestTorture -v ./reference/api -torture 200

# Memory is bounded, so that a body that takes too much of it is a finding.
FUZZTIME := 10m
.PHONY: fuzz
fuzz: ## send any bodies to the reference executor for ten minutes
	GOMEMLIMIT=400MiB $(GO) test -run '^$$' -fuzz FuzzSubmit -fuzztime $(FUZZTIME) -parallel 1 ./reference/api
	GOMEMLIMIT=400MiB $(GO) test -run '^$$' -fuzz FuzzStored -fuzztime $(FUZZTIME) -parallel 1 ./reference

.PHONY: mutants
mutants: build ## planted defects: which checker finds which, after how many runs
	$(BIN) mutants

.PHONY: mutants-quick
mutants-quick: build ## the same with few seeds: does every planted defect go red?
	$(BIN) mutants --quick

# One planted defect for almost every checker, and three switches that must show
# nothing. Not in it: thundering-herd, lost in the noise of a busy machine, and the
# models of not-linearizable but the lifecycle's, which have golden histories only.
CI_DEFECTS := retry-twice,credit-extra,never-compensate,compensate-twice,compensate-anyway,no-tombstone,refund-short,timeout-is-success,compensate-unattempted,compensate-forward,start-all-at-once,give-up-retriable,no-recovery,intent-is-deed,undo-intent-is-deed,forget-ended,complete-early,retry-permanent,one-attempt-too-many,no-backoff,breaker-ignored,breaker-opens-early,breaker-adds-up,refusals-open-breaker,fresh-key-per-attempt,no-saga-id,forget-deferred,repeat-succeeded,stale-status,blind-writes,counts-one-attempt,failed-for-ever,dedupe-by-body,hashed-keys,commit-one-by-one,sequential-branches,refused-compensation-is-done,refused-retriable-is-done,codes-by-list,backoff-overflow,double-waits,refund-again-later,unbounded-compensation,deadline-without-undo,undo-around-pivot,stuck-at-pivot,slow-rollback,start-after-turn,retry-after-turn,ignore-operator,refuse-operator,second-saga-on-resubmit,deferrable-blocks-quietly,deferrable-holds-up-steps,reencode-bodies,garble-registers,drop-writes,head-timeout,json-only,retry-budget-ignored,retry-budget-per-saga,retry-budget-full-after-restart,saga-budget-ignored,saga-budget-per-step,adaptive-without-ceiling,adaptive-without-floor,adaptive-without-wait,policy-at-once,policy-of-first-step,retries-not-held,compensations-not-held,audit-of-first-attempts,audit-without-flags,rollback-by-each-console,undo-again-on-resume,acts-untold-after-restart,reasons-dropped,retries-end-with-process,outlasted-is-used-up,used-up-pivot-turns-after-restart,retried-undo-is-done-after-restart,tired-retriable-is-done,tired-deferrable-is-dropped,waits-end-with-process,carried-on-once,cut-off-long-ago-is-used-up,pause-forgotten-after-restart,end-leaves-compensations,retry-waits-on,counters-from-zero,retries-count-twice,no-link-to-action,retries-stand-alone,silent-undo,silent-undo-after-restart,no-line-of-retries,no-line-at-the-end,drift-of-ended-not-looked,drift-of-amounts,drift-in-spite-of-undo,drift-of-undone,drift-on-the-way-back,repair-twice,repair-again-after-restart,repair-of-what-is-missing,repair-under-new-key,repair-in-words,newest-version,undo-by-newest-version,newest-version-after-restart,order-of-newest-version,oldest-version-stays,fallback-without-undo,fallback-before-undo,fallback-in-any-case,fallback-too-early,fallback-ignored,fallback-forgotten,fallback-after-turn,round-unasked,round-asked-early,round-in-any-case,rounds-multiply,not-there-is-done,saga-rounds-endless,saga-round-early,saga-round-refused,saga-round-same-keys,saga-round-at-once,saga-round-time,saga-round-at-once-after-restart,saga-round-budget,second-saga-after-restart

.PHONY: mutants-ci
mutants-ci: build ## planted defects for CI: each must be found by its own checker
	$(BIN) mutants --quick --no-baseline --defect $(CI_DEFECTS)

.PHONY: mutants-histories
mutants-histories: build ## change the histories of the last run: does each checker see its mistakes?
	$(BIN) mutants --histories sagacheck-out/latest

.PHONY: explore
explore: build ## every failure point of every scenario, one fault at a time
	$(BIN) explore --depth 1

# The engines that a target speaks of, the slowest first, and those last whose waits suffer on a busy machine; make engines ENGINES="temporal dtm".
ENGINES := dtm n8n dbos nodered restate go-workflows temporal
# Those that CI installs: the lightest, and n8n, whose flow is one of the examples.
CI_ENGINES := nodered n8n restate dbos go-workflows
space := $(subst ,, )

# Those whose installation mostly waits for npm: CI begins with it beside the first checks.
NPM_ENGINES := n8n nodered restate

.PHONY: engines-install
engines-install: build ## install the real engines
	scripts/setup-engines.sh
	for e in $(ENGINES); do $(BIN) orchestrators install $$e; done

.PHONY: engines
engines: engines-install ## install the real engines and test that each can be driven, killed and restarted
	$(GO) test -count=1 $(ENGINEFLAGS) -timeout 40m -tags engines -run 'Engines/^($(subst $(space),|,$(strip $(ENGINES))))$$' -p 1 -v ./orchestrators ./campaign

.PHONY: engines-npm
engines-npm: ## install those that CI installs from npm
	$(MAKE) engines-install ENGINES="$(NPM_ENGINES)"

.PHONY: engines-ci
engines-ci: ## the same with the engines that CI installs, of the mended flows a part of their failure points
	$(MAKE) engines ENGINES="$(CI_ENGINES)" ENGINEFLAGS=-short

# The engines that are heard, or that operators can ask for something, and the properties of that.
HEARD_ENGINES := reference temporal dbos go-workflows
HEARD := untruthful-metric broken-trace silent-rollback missing-log ignored-operator ignored-rollback unaudited-action
# Scenarios of other shapes than order, and how many engines run side by side. ENGINES has them in an order in which those meet
# that bear it on two cores; beside n8n the workers of others come too late.
SHAPES := fan-out booking seat
AT_ONCE := 2

.PHONY: comparison
comparison: build ## compare the reference executor and all engines (about forty minutes), and write docs/comparison.md
	scripts/setup-engines.sh
	$(BIN) compare --at-once $(AT_ONCE) $(addprefix --orchestrator ,reference $(ENGINES)) --scenario order --plans 58
	scripts/comparison-page.sh sagacheck-out/latest > docs/comparison.md
	$(BIN) compare --at-once $(AT_ONCE) $(addprefix --orchestrator ,reference $(ENGINES)) --participants fenced $(addprefix --scenario ,$(SHAPES)) --plans 10
	scripts/comparison-page.sh --shapes sagacheck-out/latest >> docs/comparison.md
	$(BIN) compare --at-once $(AT_ONCE) $(addprefix --orchestrator ,$(HEARD_ENGINES)) --participants fenced $(addprefix --property ,$(HEARD)) --scenario order --plans 110
	scripts/comparison-page.sh --heard sagacheck-out/latest >> docs/comparison.md

# Not what CI runs: four systems are built for, which takes minutes.
.PHONY: release-check
release-check: ## archives, deb, rpm, checksums and SBOM of this commit, in dist/
	GOFLAGS= scripts/release.sh --snapshot

.PHONY: clean
clean: ## remove what was built and reported
	rm -rf bin dist dist-pages sagacheck-out
