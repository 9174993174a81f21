#!/usr/bin/env bash
# Collects a program and everything it needs to run from scratch into a folder: its shared libraries, certificates, time
# zones and a user by number; and the licences of what was copied. Usage: collect.sh PROGRAM FOLDER
set -euo pipefail
program=$1
tree=$2
mkdir -p "$tree"/{etc/ssl/certs,usr/bin,usr/share,tmp}
chmod 1777 "$tree/tmp"
install -m 755 "$program" "$tree/usr/bin/"

foreign() {
  printf '%s\n' "$1" "$program does not run on $(. /etc/os-release && echo "$PRETTY_NAME"); was it built on Debian 12?" >&2
  exit 1
}
loaded=$(ldd "$program" 2>&1) || foreign "$loaded"
if missing=$(grep 'not found' <<< "$loaded"); then foreign "$missing"; fi
# The loader's own line has no "=>"; the kernel's vdso has no file.
libraries=$(awk '$2 == "=>" && $3 ~ "^/" {print $3} $1 ~ "^/" {print $1}' <<< "$loaded")
for library in $libraries; do
  install -D -m 755 "$(readlink -f "$library")" "$tree$library"
  package=$( (dpkg-query -S "$(readlink -f "$library")" "$library" 2> /dev/null || true) | head -n 1 | cut -d: -f1)
  if [ -n "$package" ]; then
    install -D -m 644 "/usr/share/doc/$package/copyright" "$tree/usr/share/doc/$package/copyright"
  fi
done

cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
mkdir -p "$tree/usr/lib/ssl"
ln -s /etc/ssl/certs "$tree/usr/lib/ssl/certs"
ln -s /etc/ssl/certs/ca-certificates.crt "$tree/usr/lib/ssl/cert.pem"
cp -a /usr/share/zoneinfo "$tree/usr/share/"
echo 'hosts: files dns' > "$tree/etc/nsswitch.conf"
echo 'nonroot:x:65532:65532:nonroot:/nonexistent:/nologin' > "$tree/etc/passwd"
echo 'nonroot:x:65532:' > "$tree/etc/group"

# With nothing but what was collected.
chroot "$tree" "/usr/bin/${program##*/}" --version
