#!/usr/bin/env bash
# Installs BUILD_DIR into a temporary prefix, builds projects of somebody else's against it - one of ours, the C++ of README and
# guides, and the worker of docs/guides/cpp-worker.md with its own CMakeLists.txt - and runs what came out.
# Usage: run.sh BUILD_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
guides=$here/../guides
work=$(mktemp -d -p /var/tmp berth-install-XXXXXX) # Not below /tmp, which is a pod's own.
trap 'rm -rf "$work"' EXIT
page() { python3 -B "$guides/pages.py" "$@"; }

cmake --install "$1" --prefix "$work/prefix" >/dev/null
export PATH=$work/prefix/bin:$PATH
[ "$(kubectl-berth top --bad 2>&1 | tail -1)" = 'See `kubectl berth top --help`.' ]
kubectl_complete-berth unco | grep -q '^uncordon'
berth-temporal --version | grep -q '^[0-9]'
# gRPC is that program's own affair.
if grep -ril 'grpc\|protobuf' "$work"/prefix/lib*; then exit 1; fi

# build NAME SOURCE
build() {
  cmake -S "$2" -B "$work/$1" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Debug ${CONSUMER_CMAKE_ARGS:-} >/dev/null
  cmake --build "$work/$1" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
}
cp -r "$here/consumer" "$work/consumer-source"
for block in "README.md 0" "README.md 1" "docs/guides/gpu-pool.md 0"; do
  # shellcheck disable=SC2086
  set -- $block
  name=page$(printf %s "$block" | tr -c 'a-z0-9' _)
  page "$1" cpp "$2" >"$work/block"
  # What a page leaves to the reader: the function around it, and a token or a client.
  {
    echo '#include "berth/client/client.h"'
    grep '^#include\|^using ' "$work/block" || true
    echo "int $name([[maybe_unused]] const std::string& token, [[maybe_unused]] berth::client::Client& client) {{"
    grep -v '^#include\|^using ' "$work/block"
    echo '} return 0; }'
  } >"$work/consumer-source/$name.cc"
done
build consumer "$work/consumer-source"
"$work/consumer/caller"

mkdir "$work/guide-source"
page docs/guides/cpp-worker.md cpp 0 >"$work/guide-source/worker.cc"
page docs/guides/cpp-worker.md cmake 0 >"$work/guide-source/CMakeLists.txt"
build guide "$work/guide-source"
BERTH_BIN=$work/prefix/bin BERTH_GUIDE_WORKER=$work/guide/thumbnail-worker python3 -B -W error "$guides/guides_test.py" CppWorker
echo "the installed package works"
