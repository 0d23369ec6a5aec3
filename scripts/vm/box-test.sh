#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs the bundle in a Debian box under QEMU, uses it, reboots, upgrades and
# removes it; and once more where there are no kernel headers.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=../install/test/bundles.sh
. "$ROOT/scripts/install/test/bundles.sh"

RESULTS=$CACHE/vm/box
PARTS=(install upgrade ebpf)

usage() {
	cat <<-USAGE
		usage: box-test.sh [--part PART]... [--program FILE] [--timeout S] [--table | --write]
		  --part PART     install, upgrade (goes on with install's disk), ebpf; all
		                  unless told
		  --program FILE  package this program, as package.sh does
		  --timeout S     give a part up after S seconds (default 3600)
		  --table         show what came of it last, run nothing
		  --write         put that into docs/compatibility.md, run nothing
		As root, half an hour with an emulated processor. Builds the box and the
		packages if need be. Exit status 1: something does not hold.
	USAGE
}

parts=() package=() mode=run timeout=3600
while [ $# -gt 0 ]; do
	case $1 in
	--part) parts+=("${2:?}") && shift ;;
	--program) package=(--program "${2:?}") && shift ;;
	--timeout) timeout=${2:?} && shift ;;
	--table) mode=table ;;
	--write) mode='write' ;;
	-h | --help) usage && exit ;;
	*) usage >&2 && die "unknown argument $1" ;;
	esac
	shift
done
[ ${#parts[@]} -gt 0 ] || parts=("${PARTS[@]}")

describe() {
	case $1 in
	install) echo "bundle, DKMS, service, stop, again" ;;
	upgrade) echo "reboot, upgrade, uninstall" ;;
	ebpf) echo "without headers: eBPF; upgrades to what does not work" ;;
	*) die "no part $1: ${PARTS[*]}" ;;
	esac
}

# Two bundles of one program, of which one is older; and two newer ones that do
# not work.
build_bundles() {
	local bundle
	mkdir -p "$RESULTS"
	"$ROOT/scripts/package.sh" "${package[@]}" --out "$RESULTS/new" --revision 1 >"$RESULTS/package.log" 2>&1 ||
		{ tail -20 "$RESULTS/package.log" >&2 && die "packaging failed"; }
	package=(--program "${package[1]:-$CACHE/package/target/sysflow}")
	"$ROOT/scripts/package.sh" "${package[@]}" --out "$RESULTS/previous" --revision 0.1 >"$RESULTS/package.log" 2>&1 ||
		{ tail -20 "$RESULTS/package.log" >&2 && die "packaging failed"; }
	for bundle in new previous; do
		mv "$RESULTS/$bundle"/*.bundle.tar.gz "$RESULTS/$bundle.tar.gz"
		tar -xzOf "$RESULTS/$bundle.tar.gz" --wildcards '*/install.sh' >"$RESULTS/install.sh"
		rm -r "${RESULTS:?}/$bundle"
	done
	mkdir "$RESULTS/real"
	tar -xzf "$RESULTS/new.tar.gz" -C "$RESULTS/real" --strip-components=1
	rm -rf "$RESULTS/broken"
	for bundle in installed record; do
		pretend_bundle "$RESULTS/real" "$RESULTS/broken/$bundle" 9 "$bundle"
	done
	rm -r "$RESULTS/real"
}

run_part() {
	local part=$1 log=$RESULTS/$1.log disk=$RESULTS/$1.qcow2 status=0 started=$SECONDS
	if [ "$part" = upgrade ]; then disk=$RESULTS/install.qcow2; else rm -f "$disk"; fi
	echo "== $part: $(describe "$part")"
	"$ROOT/vagrant/boxes/run.sh" --box "$box" --disk "$disk" --timeout "$timeout" --log "$RESULTS/$part.console" \
		--file "$RESULTS/install.sh:install.sh" --file "$ROOT/scripts/vm/box-guest:box-guest" \
		--file "$RESULTS/broken:broken" \
		--file "$RESULTS/previous.tar.gz:previous.tar.gz" --file "$RESULTS/new.tar.gz:new.tar.gz" \
		-- ./box-guest "$part" 2>&1 | stdbuf -oL tr -d '\r' | tee "$log" || status=$?
	{
		echo "date=$(date +%F)"
		echo "kernel=$(sed -n 's/^box: kernel //p' "$log")"
		echo "passed=$(grep -c '^box: ok' "$log")"
		echo "failed=$(grep -c '^box: FAILED' "$log")"
		echo "seconds=$((SECONDS - started))"
		echo "status=$status"
	} >"$RESULTS/$part.result"
	return "$status"
}

field() {
	sed -n "s/^$2=//p" "$RESULTS/$1.result"
}

table() {
	local part state
	echo "| part | kernel | checks: passed / failed | took | date |"
	echo "|---|---|---|---|---|"
	for part in "${PARTS[@]}"; do
		[ -f "$RESULTS/$part.result" ] || continue
		state="$(field "$part" passed) / $(field "$part" failed)"
		[ "$(field "$part" status)" -eq 0 ] || state="$state, status $(field "$part" status)"
		echo "| $(describe "$part") | $(field "$part" kernel) | $state | $(field "$part" seconds) s | $(field "$part" date) |"
	done
}

write_table() {
	local page=$ROOT/docs/compatibility.md
	table >"$RESULTS/table"
	awk -v table="$RESULTS/table" '
		/^<!-- end of the box -->/ { inside = 0 }
		!inside { print }
		/^<!-- the box:/ { inside = 1; print ""; while ((getline line < table) > 0) print line; print "" }
	' "$page" >"$RESULTS/page"
	cp "$RESULTS/page" "$page"
}

case $mode in
table) table && exit ;;
write) write_table && exit ;;
esac
for part in "${parts[@]}"; do describe "$part" >/dev/null; done
box=$("$ROOT/vagrant/boxes/build.sh")
build_bundles
failed=0
for part in "${parts[@]}"; do
	run_part "$part" || failed=1
done
table
exit $failed
