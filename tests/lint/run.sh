#!/usr/bin/env bash
# Format, generated files, dependency direction. Prints each finding as file:line and fails on any. clang-tidy: tidy.sh.
set -uo pipefail
cd "$(dirname "$0")/../.."
status=0
sources=$(git ls-files '*.h' '*.cc' '*.cpp')

echo "-- clang-format"
# shellcheck disable=SC2086
clang-format-14 --dry-run --Werror $sources || status=1

echo "-- dashboards are what their source makes, alerts are complete"
dashboards/build.py --check || status=1
dashboards/check_sources.py || status=1

echo "-- the single file is what deploy/ makes"
deploy/render.py --check || status=1

echo "-- the chart's copies and its README are what their sources make"
python3 charts/chart_files.py check . || status=1

echo "-- reference and YAML in documents are those of the resource"
docs/reference/build.py --check || status=1
docs/check_blocks.py || status=1

echo "-- the Python client is typed, strictly"
mypy --strict --no-error-summary --cache-dir=/dev/null clients/python/berth || status=1

echo "-- the stand of Temporal's workflows is typed, strictly"
MYPYPATH=tests/temporal:tests/e2e mypy --strict --no-error-summary --cache-dir=/dev/null --explicit-package-bases \
  tests/temporal/run.py tests/temporal/scenarios/*.py || status=1

echo "-- each fault has the tests that its table names"
tests/lint/faults.py || status=1

echo "-- dependency direction"
tests/lint/dependencies.sh || status=1

exit $status
