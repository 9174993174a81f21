#!/usr/bin/env bash
# Builds Helm and kubectl from Go modules into the cache of `make e2e`, each only if it is neither on PATH nor there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${XDG_CACHE_HOME:-$HOME/.cache}/berth-e2e/bin
helm=v3.21.4

missing() { [ ! -x "$bin/$1" ] && ! command -v "$1" > /dev/null; }
build() { # NAME COMMAND...
  local name=$1 have
  shift
  have=$(command -v go > /dev/null && cd / && GOTOOLCHAIN=local go env GOVERSION 2> /dev/null || true)
  case $have in
    go1.2[6-9]* | go1.[3-9][0-9]*) ;;
    *)
      echo "make chart: $name is not on PATH, and building it needs Go 1.26 or newer; found ${have:-none}." >&2
      echo "Install $name (https://helm.sh, https://kubernetes.io/docs/tasks/tools) or Go (https://go.dev/dl/) and try again." >&2
      exit 1
      ;;
  esac
  echo "building $name"
  mkdir -p "$bin"
  "$@"
}

if missing helm; then
  v=helm.sh/helm/v3/internal/version
  build helm env -C / GOBIN="$bin" CGO_ENABLED=0 go install -trimpath -ldflags "-s -w -X $v.version=$helm" helm.sh/helm/v3/cmd/helm@$helm
fi
if missing kubectl; then
  build kubectl env -C "$here/../tests/e2e/cluster/kubernetes" CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$bin/kubectl" \
    k8s.io/kubernetes/cmd/kubectl
fi
