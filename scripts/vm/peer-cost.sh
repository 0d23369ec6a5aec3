#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the kernel module adds to system calls, beside Debian's
# falcosecurity-scap-dkms with sysdig, in one boot of one kernel.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=kernel.sh
. "$ROOT/scripts/vm/kernel.sh"

usage() {
	cat <<-USAGE
		usage: peer-cost.sh [ROUNDS]
		  Debian's kernel 6.1 in QEMU with one CPU, whose clock counts
		  instructions: 1 ns is one. 11 rounds unless told.
	USAGE
}

case ${1:-} in
-h | --help) usage && exit ;;
*[!0-9]*) usage >&2 && die "ROUNDS is a number" ;;
esac
need sysdig sysdig
need make make
package=falcosecurity-scap-dkms
release=$(kernel_release 6.1)
headers=$(kernel_headers "$release")
tree=$CACHE/vm/scap
fetch_deb "$package" 6.1 "$tree" || die "Debian has no $package"
scap=$(echo "$tree"/usr/src/scap-*)
version=$(echo "${scap##*/scap-}" | tr -d '\r')
[ -f "$scap/scap.ko" ] && [ "$(modinfo -F vermagic "$scap/scap.ko" | cut -d' ' -f1)" = "$release" ] ||
	make -C "$headers" M="$scap" modules >"$tree/build.log" 2>&1 ||
	die "scap does not build for $release: see $tree/build.log"

cd "$ROOT"
cargo build --quiet --locked --release -p benches --bin peer-cost
note "kernel $release, scap $version, $(sysdig --version)"
scripts/vm/run.sh --kernel "$release" --build-module --module "$scap/scap.ko" \
	--smp 1 --memory 1536 --count --timeout 3000 \
	--file "$(command -v sysdig):/bin/sysdig" --file /usr/bin/env:/usr/bin/env \
	--file "${CARGO_TARGET_DIR:-$ROOT/target}/release/peer-cost:/bin/peer-cost" \
	-- peer-cost kmod "${1:-11}" sysdig -v --unbuffered evt.type=mkdir
