#!/usr/bin/env bash
# What the tests that ran in BUILD_DIR have reached of Berth's own code. Usage: coverage.sh BUILD_DIR
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "$1/report"
gcovr --root . --object-directory "$1" --exclude 'tests/' --exclude 'examples/' --exclude "$1/" \
  --exclude-unreachable-branches --exclude-throw-branches --sort-percentage \
  --txt "$1/report/files.txt" --html-details "$1/report/index.html" --print-summary "$1"
echo "By file: $1/report/files.txt; line by line: $1/report/index.html"
