#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Both drivers on the kernels of several Debian releases, each booted in QEMU;
# one table of what came of it.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=kernel.sh
. "$ROOT/scripts/vm/kernel.sh"

KERNELS=(bullseye 6.1 bookworm-backports trixie sid)
DRIVERS=(kmod ebpf)
RESULTS=$CACHE/vm/matrix

usage() {
	cat <<-USAGE
		usage: matrix.sh [--driver kmod|ebpf] [--table | --write] [KERNEL...]
		  KERNEL    a suite of Debian, a series (6.1) or a release; all of
		            ${KERNELS[*]} unless told
		  --driver  only this driver
		  --table   show what is known, run nothing
		  --write   put it into docs/compatibility.md, run nothing
		Of each kernel and driver the last result is kept, so that the table can
		be made one kernel at a time. Logs and results are in \$SYSFLOW_CACHE/vm/matrix.
		Exit status 1: something does not hold.
	USAGE
}

kernels=() mode=run
while [ $# -gt 0 ]; do
	case $1 in
	--driver) DRIVERS=("$2") && shift ;;
	--table) mode=table ;;
	--write) mode='write' ;;
	-h | --help) usage && exit ;;
	-*) usage >&2 && die "unknown option $1" ;;
	*) kernels+=("$1") ;;
	esac
	shift
done
[ ${#kernels[@]} -gt 0 ] || kernels=("${KERNELS[@]}")

# The name of the Debian release that has a kernel.
debian_of() {
	case $1 in
	5.10.*) echo "11" ;;
	6.1.*) echo "12" ;;
	*+deb12-*) echo "12 backports" ;;
	*+deb13-*) echo "13" ;;
	*) echo "sid" ;;
	esac
}

# The programs that run in the guest.
build_programs() {
	cd "$ROOT"
	cargo build --quiet --locked -p engine -p benches --bins
	TESTS=$(cargo test --locked -p probe-loader --test driver --no-run --message-format=json 2>/dev/null |
		python3 scripts/lib/test_programs.py | awk -F'\t' '$2 == "probe-loader/driver" { print $3 }')
	[ -n "$TESTS" ] || die "the driver's tests do not build"
	TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
}

# run_one RELEASE DRIVER: boots, and leaves the result as NAME=VALUE lines.
run_one() {
	local release=$1 driver=$2 out=$RESULTS/$1.$2 status=0 module=()
	mkdir -p "$RESULTS"
	rm -f "$out"
	if [ "$driver" = kmod ]; then
		if ! "$ROOT/scripts/vm/build-module.sh" "$release" >"$out.log" 2>&1; then
			printf '%s\n' "date=$(date +%F)" build=no >"$out"
			return
		fi
		module=(--module-file)
	fi
	"$ROOT/scripts/vm/run.sh" --kernel "$release" --timeout 3000 --log "$out.kernel" "${module[@]}" \
		--file "$TARGET/debug/sysflow:/bin/sysflow" \
		--file "$TARGET/debug/workload:/bin/workload" \
		--file "$TESTS:/bin/driver-tests" \
		--file "$ROOT/scripts/vm/matrix-guest:/bin/matrix-guest" \
		-- env SYSFLOW_MODULE=/sysflow.ko matrix-guest "$driver" >"$out.log" 2>&1 || status=$?
	{
		echo "date=$(date +%F)"
		[ "$driver" = ebpf ] || echo build=yes
		tr -d '\r' <"$out.log" | sed -n 's/^matrix: \([a-z]*\) \(.*\)/\1=\2/p'
		echo "status=$status"
	} >"$out.new"
	mv "$out.new" "$out"
}

# field FILE NAME [WHEN MISSING]
field() {
	local value
	value=$(sed -n "s/^$2=//p" "$1" | tail -1)
	echo "${value:-${3:-}}"
}

# One row of the table; what does not hold is in bold.
row() {
	local release=$1 driver=$2 file=$RESULTS/$1.$2 build=yes passed failed skipped state seen lost missed gone log
	[ "$driver" = ebpf ] || build=$(field "$file" build '**no**')
	read -r passed failed skipped <<<"$(field "$file" suite '0 ? 0')"
	read -r state seen lost missed <<<"$(field "$file" flood '? 0 0 0')"
	# The suite counts a skipped test as passed.
	passed=$((passed - skipped))
	[ "$failed" = 0 ] || failed="**$failed**"
	[ "$state" = exact ] || state="**$state**"
	[ "$missed" = 0 ] && missed='' || missed=", $missed missed"
	gone=$(field "$file" unload '**?**')
	case $(field "$file" status) in
	0) log=clean ;;
	70) log="**complains**" ;;
	124) log="**no end**" ;;
	*) log="**ended early**" ;;
	esac
	echo "| $(debian_of "$release") | $release | $driver | $build | $(field "$file" load '**no**')" \
		"| $passed / $failed / $skipped | $state: $seen seen, $lost lost$missed" \
		"| $gone ms | $log | $(field "$file" date) |"
}

table() {
	local file name
	echo "| Debian | kernel | driver | builds | loads | suite: passed / failed / skipped | flood | gone after | kernel log | date |"
	echo "|---|---|---|---|---|---|---|---|---|---|"
	for file in $(cd "$RESULTS" && find . -name '*.kmod' -o -name '*.ebpf' | sort -V); do
		name=${file#./}
		row "${name%.*}" "${name##*.}"
	done
}

# Between the marks in docs/compatibility.md.
write_table() {
	local doc=$ROOT/docs/compatibility.md new
	new=$(mktemp)
	awk -v table="$(table)" '
		/^<!-- end of the matrix -->/ { inside = 0 }
		!inside { print }
		/^<!-- the matrix:/ { print ""; print table; print ""; inside = 1 }' "$doc" >"$new"
	cat "$new" >"$doc"
	rm -f "$new"
}

case $mode in
table) table && exit ;;
write) write_table && exit ;;
esac
build_programs
bad=0
for kernel in "${kernels[@]}"; do
	release=$(kernel_release "$kernel")
	for driver in "${DRIVERS[@]}"; do
		note "$release, $driver"
		run_one "$release" "$driver"
		row "$release" "$driver"
		! row "$release" "$driver" | grep -q '\*\*' || bad=1
	done
done
echo
table
exit $bad
