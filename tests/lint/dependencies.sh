#!/usr/bin/env bash
# Dependencies point one way (docs/architecture.md). For each part: the parts whose headers it may include.
set -uo pipefail
cd "$(dirname "$0")/../.."
declare -A may=(
  [lib/base]="base"
  [lib/observe]="base observe"
  [lib/http]="base http"
  [lib/api]="base api"
  [lib/auth]="base observe http auth"
  [lib/control]="base api auth http control"
  [lib/kube]="base observe http api kube"
  [worker]="base observe http api auth worker"
  [gateway]="base observe http api auth control kube gateway"
  [operator]="base observe http api auth control kube operator"
  [client]="base observe http api auth client"
  [devcluster]="base observe http api kube devcluster"
  [cli]="base observe http api auth kube client devcluster cli"
  [temporal]="base observe http api client temporal"
)
status=0
for part in "${!may[@]}"; do
  allowed=" ${may[$part]} "
  while IFS=: read -r file line text; do
    included=$(sed -E 's/.*#include "(berth\/)?([a-z]+)\/.*/\2/' <<<"$text")
    if [[ $allowed != *" $included "* ]]; then
      echo "$file:$line: $part must not include $included"
      status=1
    fi
  done < <(git grep -nE '#include "(berth/)?(base|observe|http|api|auth|control|kube|worker|gateway|operator|client|cli|devcluster|temporal)/' -- "$part")
done
exit $status
