#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Loads the kernel module, captures and unloads it, many times while the
# machine is busy. What the kernel's log says of it counts as a failure.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"

case ${1:-} in
'' | *[!0-9]*) die "usage: cycles.sh COUNT [KERNEL]" ;;
esac
cd "$ROOT"
tests=$(cargo test --locked -p probe-loader --test driver --no-run --message-format=json 2>/dev/null |
	python3 scripts/lib/test_programs.py | awk -F'\t' '$2 == "probe-loader/driver" { print $3 }')
[ -n "$tests" ] || die "the driver's tests do not build"
log=$CACHE/vm/cycles.log
mkdir -p "$CACHE/vm"
scripts/vm/run.sh --kernel "${2:-6.1}" --module-file --timeout $((600 + $1 * 3)) \
	--log "$log" --file "$tests:/bin/driver-tests" \
	-- env SYSFLOW_TEST_DRIVER=kmod SYSFLOW_TEST_MACHINE=1 SYSFLOW_MODULE=/sysflow.ko \
	SYSFLOW_TEST_CYCLES="$1" driver-tests lifecycle::load_and_unload_under_load
# Beside the module's own greeting the log of that time is empty.
echo "kernel log while it ran:"
sed -n '/Run \/init as init process/,$p' "$log" | tr -d '\r' |
	sed 's/^\[[^]]*\] //; s/reboot: .*//' | sort | uniq -c | sort -rn | head -20
