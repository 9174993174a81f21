#!/usr/bin/env bash
# Checks the chart without a cluster: helm lint, values that must render and values that must be refused, the default against
# `deploy/`, and what is made from values.yaml. HELM and KUBECTL name the programs (default: PATH, then the cache of `make chart` and
# `make e2e`). What is out of date is made by `make generate`.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/berth-e2e/bin

find_program() { # NAME GIVEN
  local found=$2
  [ -n "$found" ] || found=$(command -v "$1") || { [ -x "$cache/$1" ] && found=$cache/$1; } || {
    echo "check.sh: needs $1 on PATH; \`make chart\` builds it" >&2
    exit 1
  }
  echo "$found"
}
helm=$(find_program helm "${HELM:-}")
kubectl=$(find_program kubectl "${KUBECTL:-}")
python3 -c 'import yaml' 2> /dev/null || { echo "check.sh: needs PyYAML; on Debian: apt-get install python3-yaml" >&2; exit 1; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0
step() {
  echo "== $1"
  shift
  "$@" || { failed=1; echo "FAILED: $*"; }
}

lint() {
  local values
  for values in charts/berth/ci/*.yaml; do
    "$helm" lint --strict --kube-version 1.36.0 --values "$values" charts/berth > "$out/lint.log" 2>&1 || {
      cat "$out/lint.log"
      return 1
    }
  done
}
same_as_deploy() {
  "$helm" template berth charts/berth --namespace berth-system --kube-version 1.36.0 > "$out/chart.yaml"
  "$kubectl" kustomize deploy/ > "$out/deploy.yaml"
  python3 charts/same_as_deploy.py "$out/chart.yaml" "$out/deploy.yaml"
}
single_file() {
  deploy/render.py --check
  python3 -c 'import sys, yaml
one, other = ({(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o for o in yaml.safe_load_all(open(p)) if o}
              for p in sys.argv[1:])
sys.exit(0 if one == other and one else "deploy/berth.yaml differs from kubectl kustomize deploy/")' deploy/berth.yaml "$out/deploy.yaml"
}
package() { # What is left in build/chart is what is published; it must render as the folder does.
  mkdir -p build/chart
  rm -f build/chart/berth-*.tgz
  "$helm" package charts/berth --destination build/chart > /dev/null
  "$helm" template berth build/chart/berth-*.tgz --namespace berth-system --kube-version 1.36.0 > "$out/package.yaml"
  diff -q "$out/chart.yaml" "$out/package.yaml"
}
step "helm lint --strict" lint
step "values, schema, README and resource belong together" python3 charts/chart_files.py check .
step "values that render and values that are refused" python3 charts/matrix.py "$helm" charts/berth "$out/matrix"
step "the default is deploy/" same_as_deploy
step "deploy/berth.yaml is deploy/" single_file
step "the package is the folder" package
step "confined to some namespaces, the same rights" \
  python3 charts/same_rights.py "$out/matrix/default.yaml" "$out"/matrix/{own-namespace,one-namespace,some-namespaces}.yaml
step "network policies allow what the architecture needs and nothing else" python3 charts/flows.py "$out/matrix/network.yaml"
step "alerts, dashboards and monitors are those of dashboards/" python3 charts/same_monitoring.py "$out/matrix/monitoring.yaml" .
step "the test's script is bash" bash -n charts/berth/files/session-test.sh
exit $failed
