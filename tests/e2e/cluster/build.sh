#!/usr/bin/env bash
# Builds the cluster's programs from Go modules into $1 (default: the cache); what is there already stays. Named programs, or
# without names those of `make e2e`. Cold about 15 minutes on two cores, most of it the API server and the kubelet. It may run
# several times at once: a program is built by one, and the others wait for it. After --check nothing is built: it fails, with
# the way out, where something has to be and there is no Go for it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
check=
if [ "${1:-}" = --check ]; then check=yes && shift; fi
bin=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/berth-e2e/bin}
kubernetes=v1.36.3
kwok=v0.8.0
helm=v3.21.4
usual=(helm kubectl etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet)
wanted=("${@:2}")
[ ${#wanted[@]} -gt 0 ] || wanted=("${usual[@]}")

once() { # program, command that makes it
  [ -x "$bin/$1" ] && return
  "$here/../../../cmake/need-go.sh" "Building $1, which is not there yet,"
  [ -z "$check" ] || return 0
  exec 9> "$bin/.$1.lock"
  flock 9
  if [ ! -x "$bin/$1" ]; then
    echo "building $1"
    "${@:2}"
  fi
  exec 9>&-
}

build() { # program, module folder, package, cgo, linker flags
  (cd "$here/$2" && CGO_ENABLED=$4 go build -trimpath -ldflags "-s -w $5" -o "$bin/$1.new" "$3")
  mv "$bin/$1.new" "$bin/$1"
}

install() { # program, package@version of a module that replaces nothing, linker flags
  (cd / && GOBIN=$bin/new-$1 CGO_ENABLED=0 go install -trimpath -ldflags "-s -w ${3:-}" "$2")
  mv "$bin/new-$1/$1" "$bin/$1" && rmdir "$bin/new-$1"
}

[ -n "$check" ] || mkdir -p "$bin"
v=k8s.io/component-base/version
stamp="-X $v.gitVersion=$kubernetes -X $v.gitMajor=1 -X $v.gitMinor=36 -X $v.gitTreeState=clean"
for program in "${wanted[@]}"; do
  case $program in
    etcd) once etcd build etcd etcd go.etcd.io/etcd/server/v3 0 "" ;;
    helm) once helm install helm helm.sh/helm/v3/cmd/helm@$helm "-X helm.sh/helm/v3/internal/version.version=$helm" ;;
    kubelet) once kubelet build kubelet kubernetes k8s.io/kubernetes/cmd/kubelet 1 "$stamp" ;;
    kwok) once kwok install kwok sigs.k8s.io/kwok/cmd/kwok@$kwok ;;
    kube*) once "$program" build "$program" kubernetes "k8s.io/kubernetes/cmd/$program" 0 "$stamp" ;;
    *) echo "$0: no such program: $program" >&2 && exit 2 ;;
  esac
done
