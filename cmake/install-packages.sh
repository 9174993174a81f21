#!/usr/bin/env bash
# Installs the Debian 12 packages of the named groups that are missing. Needs root or sudo only when something is missing.
# Usage: install-packages.sh build|test|bench|cluster|lint|clang|tidy|coverage|e2e|model|dashboards|chart|browser|node ...
set -euo pipefail

declare -A groups=(
  [build]="cmake g++ make ninja-build ca-certificates libcpprest-dev libboost-dev libssl-dev nlohmann-json3-dev
    prometheus-cpp-dev libspdlog-dev libfmt-dev libyaml-cpp-dev libexpected-dev libcli11-dev zlib1g-dev
    libhowardhinnant-date-dev tzdata libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
    procps"
  [test]="libgtest-dev libgmock-dev librapidcheck-dev openssl curl python3 python3-yaml"
  [bench]="libbenchmark-dev"
  [cluster]="python3 iproute2 openssl util-linux"
  [lint]="clang-format-14 git mypy python3 python3-yaml"
  [clang]="clang-14 libclang-rt-14-dev llvm-14"
  [tidy]="clang-tidy-14 git"
  [coverage]="gcovr"
  [e2e]="python3 containerd runc containernetworking-plugins iproute2 iptables nftables conntrack openssl buildah
    debootstrap gcc libc6-dev util-linux"
  [model]="spin gcc libc6-dev"
  [dashboards]="prometheus python3"
  [chart]="python3 python3-yaml"
  [browser]="chromium fonts-dejavu-core"
  [node]="nodejs npm"
)

missing=()
for group in "$@"; do
  # Any Node.js will do.
  [ "$group" = node ] && command -v node >/dev/null && command -v npm >/dev/null && continue
  for package in ${groups[$group]:?unknown group $group}; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      missing+=("$package")
    fi
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "These packages are missing and need root or sudo to be installed: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
