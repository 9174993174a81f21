#!/usr/bin/env bash
# Everything about dashboards and alerts. Usage: check.sh [BIN_DIR]   (without it: only what needs no running program)
set -euo pipefail
[ $# -eq 0 ] || bin=$(cd "$1" && pwd)
cd "$(dirname "$0")"

step() { printf -- '-- %s\n' "$1"; }
step "generated files are what their sources say"
./build.py --check
step "complete: descriptions, units, legends; each alert with cases and a runbook page"
./check_sources.py
step "promtool check rules, check config"
promtool check rules --lint-fatal alerts.yaml
# Debian's promtool is built without Kubernetes; the rest is what it is.
promtool check config --syntax-only <(sed 's/kubernetes_sd_configs:/static_configs: []/; /- role: pod/d' prometheus.yaml)
step "promtool test rules"
promtool test rules alerts.test.yaml
[ $# -eq 0 ] && exit
step "every query on a real Prometheus that scrapes a real Berth under load (2 min)"
./proof.py "$bin"
