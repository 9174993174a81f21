# The one door to everything: `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
export INPUT ?=
PREFIX ?= /usr/local

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install the Debian packages that are missing (root or sudo)
	@cmake/install-packages.sh build test

.PHONY: build
build: deps ## Build the programs (build/release/bin)
	@cmake --preset release -DBERTH_BUILD_TESTS=OFF > build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log
	cmake --build build/release -j $(JOBS)

.PHONY: demo
demo: build ## Start a cluster on this machine and run the file-processing example (INPUT=dir for your own files)
	@examples/file-processing/run-demo.sh build/release/bin "$$INPUT"

.PHONY: test
test: deps ## All tests, from the dev build
	cmake --preset dev
	cmake --build build/dev -j $(JOBS)
	ctest --preset dev

.PHONY: bench
bench: deps ## Figures of docs/figures.md, from a release build; writes build/bench/results.jsonl
	@cmake/install-packages.sh bench
	cmake --preset bench
	cmake --build build/bench -j $(JOBS)
	tests/bench/run.sh build/bench

.PHONY: bench-kubernetes
bench-kubernetes: deps ## Figures with 1,000 workers on a real API server: needs root and Go 1.26 (ROWS="reaction" for some)
	@cmake/install-packages.sh bench cluster
	@tests/bench/kubernetes/run.py --prepare
	cmake --preset bench
	cmake --build build/bench -j $(JOBS)
	tests/bench/kubernetes/run.py $(ROWS)

.PHONY: model
model: ## Exhaustive check of the removal protocol (minutes, under 2 GB)
	@cmake/install-packages.sh model
	tests/model/run.sh

.PHONY: lint
lint: ## Format and dependency direction
	@cmake/install-packages.sh lint
	tests/lint/run.sh

.PHONY: generate
generate: ## Bring up to date what is made from something else: dashboards, deploy/berth.yaml, reference, the chart's copies
	@cmake/install-packages.sh lint
	dashboards/build.py
	deploy/render.py
	docs/reference/build.py
	python3 charts/chart_files.py write .

.PHONY: tidy
tidy: deps ## clang-tidy over everything (minutes)
	@cmake/install-packages.sh clang tidy
	tests/lint/tidy.sh

.PHONY: asan tsan
asan: deps ## Unit and property tests under AddressSanitizer and UndefinedBehaviorSanitizer
	cmake --preset asan
	cmake --build build/asan -j $(JOBS) --target unit_and_property_tests
	ctest --preset asan -L 'unit|property'
tsan: deps ## Unit and property tests under ThreadSanitizer
	cmake --preset tsan
	cmake --build build/tsan -j $(JOBS) --target unit_and_property_tests
	ctest --preset tsan -L 'unit|property'

.PHONY: coverage
coverage: deps ## What unit and property tests reach: a table, and line by line in build/coverage/report/index.html
	@cmake/install-packages.sh coverage
	cmake --preset coverage
	cmake --build build/coverage -j $(JOBS) --target unit_and_property_tests
	find build/coverage -name '*.gcda' -delete
	ctest --preset coverage -L 'unit|property'
	tests/coverage.sh build/coverage

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: deps ## Every fuzz target for FUZZ_SECONDS (60)
	@cmake/install-packages.sh clang
	cmake --preset fuzz
	cmake --build build/fuzz -j $(JOBS) --target fuzz_targets
	tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS)

.PHONY: ui-test
ui-test: deps ## The live page in a real browser (Chromium and Node.js are installed); pictures in build/dev/ui-test/pictures
	@cmake/install-packages.sh browser node
	cmake --preset dev
	cmake --build build/dev -j $(JOBS) --target berth berth-gateway berth-operator berth_worker_program
	tests/integration/ui/run.sh build/dev

.PHONY: dashboards
dashboards: build ## Dashboards and alerts: checked, and run on a real Prometheus and a real Berth (3 min)
	@cmake/install-packages.sh dashboards
	dashboards/check.sh build/release/bin

.PHONY: images images-check
images: ## The container images, with docker, podman or buildah (IMAGES="--prefix NAME --tag TAG")
	deploy/image/build.sh $(IMAGES)

BUILDERS ?=
images-check: ## The whole Dockerfile by each of buildah, podman, docker that is here; its images looked at (root; 10 min each)
	@cmake/install-packages.sh e2e
	tests/e2e/images_check.py $(BUILDERS)

.PHONY: chart chart-accept
chart: ## Check the Helm chart and package it (build/chart); builds Helm and kubectl where missing (Go 1.26)
	@cmake/install-packages.sh chart
	@charts/tools.sh
	charts/check.sh
chart-accept: chart ## The chart's objects and a release's life on a real API server (first time: minutes of building)
	@cmake/install-packages.sh chart test
	@tests/e2e/cluster/build.sh
	charts/accept.py

.PHONY: temporal-test
temporal-test: build ## Workflows of Temporal's Go SDK on a real Temporal server and a Berth pool (Go 1.26; first time: minutes of building)
	@cmake/install-packages.sh test
	tests/temporal/run.py $(SCENARIOS)

SCENARIOS ?=
.PHONY: need-go cluster e2e e2e-long
need-go: # Before minutes of installing.
	@tests/e2e/cluster/build.sh --check
cluster: need-go deps ## What the end-to-end tests need beside Berth, where it is missing: Go 1.26, 20 min (kept outside the tree)
	@cmake/install-packages.sh e2e dashboards browser node
	@tests/e2e/run.py --prepare $(SCENARIOS)
e2e: cluster build ## Everything on a real Kubernetes on this machine: needs root and Go 1.26 (SCENARIOS="1 7" for some)
	tests/e2e/run.py $(SCENARIOS)
e2e-long: cluster build ## The same with the long churns
	tests/e2e/run.py --long $(SCENARIOS)

.PHONY: install
install: build ## Install programs, libraries and the CMake package under PREFIX (/usr/local)
	cmake --install build/release --prefix $(PREFIX)

.PHONY: clean
clean: ## Remove build/
	rm -rf build
