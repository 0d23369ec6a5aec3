#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A first look at SysFlow: installs what is missing, builds, captures a small
# workload of its own, and shows the flows that it caused.
set -euo pipefail
# shellcheck source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/setup.sh
. "$ROOT/scripts/lib/setup.sh"

case ${1:-} in
'') ;;
-h | --help)
	echo "usage: try.sh"
	echo "Debian 12 or newer, as root or with sudo. Safe to repeat."
	exit
	;;
*) die "unknown argument $1 (usage: try.sh)" ;;
esac

recorder=
work=$CACHE/try
trap 'stop_recorder' EXIT

stop_recorder() {
	[ -z "$recorder" ] || kill "$recorder" 2>/dev/null || true
}

step() {
	printf '\n== %s\n' "$*"
}

# The recorder says when its probes are attached.
wait_for_probes() {
	local tries
	for tries in $(seq 300); do
		if grep -q '^recording to ' "$work/recorder.log"; then
			return
		fi
		if ! kill -0 "$recorder" 2>/dev/null; then
			cat "$work/recorder.log" >&2
			recorder=
			die "the capture did not start: see above (tried $((tries / 10)) s)"
		fi
		sleep 0.1
	done
	cat "$work/recorder.log" >&2
	die "the capture did not start within 30 s"
}

# The table as a terminal of this width shows it, without colours and cuts in
# the middle of a row: print looks at the terminal that it writes to.
table() {
	local columns
	columns=$({ stty size </dev/tty; } 2>/dev/null | awk '{ print $2 }') || true
	[ "${columns:-0}" -ge 80 ] || columns=200
	if command -v script >/dev/null; then
		as_root script -qec "stty rows 50 cols $columns; exec '$sysflow' print --color never --fields default '$1'" /dev/null | tr -d '\r'
	else
		as_root "$sysflow" print "$1"
	fi
}

# The titles, and the rows of the given processes: their number stands between
# those of the parent and the thread.
rows_of() {
	local pids
	pids=$(printf '|%s' "$@")
	grep -E "^ *Rec #| [0-9]+ +(${pids#|}) +[0-9]+( |\$)"
}

step "tools"
install_packages "${BUILD_PACKAGES[@]}"
install_rust
echo "$(cargo --version), $(clang --version | head -1)"

step "build (release mode; a few minutes the first time)"
cargo build --release --locked --manifest-path "$ROOT/Cargo.toml" -p engine -p benches --bins
target=${CARGO_TARGET_DIR:-$ROOT/target}/release
sysflow=$target/sysflow

step "capture, while a small workload runs"
if ! mkdir -p "$work" || ! : >"$work/recorder.log"; then
	die "cannot write to $work: another user made it; remove it with sudo rm -r $work"
fi
as_root "$sysflow" record -w "$work/try.sf" -e try --for 4 2>"$work/recorder.log" &
recorder=$!
wait_for_probes
grep '^recording to ' "$work/recorder.log"
"$target/workload" demo "$work/files" >"$work/workload.log" ||
	die "the workload failed: see $work/workload.log"
sed '$d; s/^/  /' "$work/workload.log"
wait "$recorder" || { cat "$work/recorder.log" >&2 && die "the capture failed: see above"; }
recorder=
grep -v '^recording to ' "$work/recorder.log"

step "the flows that it caused"
read -ra pids <<<"$(sed -n 's/^processes: //p' "$work/workload.log")"
table "$work/try.sf" | rows_of "${pids[@]}" | tee "$work/rows"
[ "$(wc -l <"$work/rows")" -gt "${#pids[@]}" ] ||
	die "the capture has too few flows of the workload: please report $work/try.sf"

cat <<NEXT

== what to type next
  sudo $sysflow record -w my.sf           record this host; Ctrl-C ends
  sudo $sysflow print my.sf               show what was recorded
  $sysflow record --help                  what else there is
  $ROOT/docs/quick-start.md               how to read the table
  $ROOT/scripts/test.sh                   run the tests
NEXT
