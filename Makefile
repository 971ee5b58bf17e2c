# SPDX-License-Identifier: Apache-2.0
# The front door. Each target is a script in tools/ that can also be run by itself.

DATA ?= ./data
TIME ?= 60
ARGS ?=

.PHONY: help run build test lint format bench fuzz sim clean
.DEFAULT_GOAL := help

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 16

run: build ## Install what is missing, build, and start Atelier on http://localhost:7070
	@exec tools/run --data "$(DATA)" $(ARGS)

build: ## Build build/atelier, build/atelier-media and web/dist
	@tools/setup build
	@tools/build

test: ## Run every check and every test; the last line counts them
	@tools/setup test
	@tools/test

lint: ## Check layout, folder order, lengths, banned calls, words; run cppcheck and clang-tidy
	@tools/setup test
	@tools/build --no-web
	@tools/lint

format: ## Lay out all C files with clang-format
	@tools/setup test
	@tools/format

bench: ## Measure; prints a table and writes build/bench.json
	@tools/setup test
	@tools/build
	@tools/bench $(ARGS)

fuzz: ## Fuzz each parser for TIME=60 seconds and print the line coverage reached
	@tools/setup test
	@tools/fuzz "$(TIME)"

sim: ## Compare live queries with a plain second implementation, then live lives of the studio; STEPS=5000000, SEED=N
	@tools/setup test
	@tools/build --no-web
	@tools/sim $(ARGS)

clean: ## Remove everything that was built (not ./data)
	rm -rf build build-asan build-tsan build-planted build-fuzz web/dist
