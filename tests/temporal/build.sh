#!/usr/bin/env bash
# Builds temporal-server and temporal-workflows from Go modules into $1 (default: the cache); what is there already and made from
# the same sources stays. Cold about five minutes on two cores, nearly all of it the server. It may run several times at once: a
# program is built by one, and the others wait for it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/berth-e2e/temporal}

build() { # program, module folder
  local sum
  sum=$(cd "$here/$2" && sha256sum -- *.go go.mod go.sum)
  made() { [ -x "$bin/$1" ] && [ "$(cat "$bin/.$1.sum" 2>/dev/null)" = "$sum" ]; }
  made "$1" && return
  "$here/../../cmake/need-go.sh" "Building $1, which is not there yet,"
  exec 9> "$bin/.$1.lock"
  flock 9
  if ! made "$1"; then
    echo "building $1"
    (cd "$here/$2" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$bin/$1.new" .)
    mv "$bin/$1.new" "$bin/$1"
    echo "$sum" > "$bin/.$1.sum"
  fi
  exec 9>&-
}

mkdir -p "$bin"
build temporal-workflows workflows
build temporal-server server
