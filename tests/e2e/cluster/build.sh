#!/usr/bin/env bash
# Builds the cluster's programs from Go modules into $1 (default: the cache); what is there already stays. Named programs, or
# without names those of `make e2e`. Cold about 15 minutes on two cores, most of it the API server and the kubelet.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/berth-e2e/bin}
kubernetes=v1.36.3
kwok=v0.8.0
usual=(etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubectl kubelet)
wanted=("${@:2}")
[ ${#wanted[@]} -gt 0 ] || wanted=("${usual[@]}")

need_go() {
  local have
  have=$(command -v go > /dev/null && cd / && GOTOOLCHAIN=local go env GOVERSION 2> /dev/null || true)
  case $have in
    go1.2[6-9]* | go1.[3-9][0-9]*) return ;;
  esac
  echo "The tests on a cluster build a real Kubernetes $kubernetes and need Go 1.26 or newer on PATH; found ${have:-none}." >&2
  echo "Install it from https://go.dev/dl/ and try again." >&2
  exit 1
}

build() { # program, module folder, package, cgo, linker flags
  [ -x "$bin/$1" ] && return
  need_go
  echo "building $1"
  (cd "$here/$2" && CGO_ENABLED=$4 go build -trimpath -ldflags "-s -w $5" -o "$bin/$1.new" "$3")
  mv "$bin/$1.new" "$bin/$1"
}

install() { # program, package@version of a module that replaces nothing
  [ -x "$bin/$1" ] && return
  need_go
  echo "building $1"
  (cd / && GOBIN=$bin/new CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "$2")
  mv "$bin/new/$1" "$bin/$1" && rmdir "$bin/new"
}

mkdir -p "$bin"
v=k8s.io/component-base/version
stamp="-X $v.gitVersion=$kubernetes -X $v.gitMajor=1 -X $v.gitMinor=36 -X $v.gitTreeState=clean"
for program in "${wanted[@]}"; do
  case $program in
    etcd) build etcd etcd go.etcd.io/etcd/server/v3 0 "" ;;
    kubelet) build kubelet kubernetes k8s.io/kubernetes/cmd/kubelet 1 "$stamp" ;;
    kwok) install kwok sigs.k8s.io/kwok/cmd/kwok@$kwok ;;
    kube*) build "$program" kubernetes "k8s.io/kubernetes/cmd/$program" 0 "$stamp" ;;
    *) echo "$0: no such program: $program" >&2 && exit 2 ;;
  esac
done
