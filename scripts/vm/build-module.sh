#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds driver/kmod for a Debian kernel and prints the path of sysflow.ko.
#	build-module.sh 6.1
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=kernel.sh
. "$ROOT/scripts/vm/kernel.sh"

[ $# -eq 1 ] || die "usage: build-module.sh KERNEL"
need make make
need gcc gcc
need modinfo kmod

release=$(kernel_release "$1")
headers=$(kernel_headers "$release")
out=$CACHE/vm/modules/$release
# A copy per kernel: Kbuild writes beside the sources.
mkdir -p "$out/include"
cp -ru "$ROOT"/driver/kmod/{*.c,*.h,compat,Kbuild,Makefile} "$out/"
rm -f "$out/probed.h"
cp -ru "$ROOT/driver/include/sysflow" "$out/include/"

# Headers made with a newer compiler ask for what this one has not.
args=()
grep -q '^CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=y' "$headers/.config" &&
	! gcc -fmin-function-alignment=16 -c -x c /dev/null -o /dev/null 2>/dev/null &&
	args+=("CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=")
command -v pahole >/dev/null || args+=("CONFIG_DEBUG_INFO_BTF_MODULES=")
compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$headers/.config")
command -v "$compiler" >/dev/null || args+=("CC=gcc")

log=$out/build.log
make -C "$headers" M="$out" "${args[@]}" modules >"$log" 2>&1 || {
	cat "$log" >&2
	die "sysflow.ko does not build for $release"
}
echo "$out/sysflow.ko"
