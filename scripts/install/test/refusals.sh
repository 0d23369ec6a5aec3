# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by install-test.sh: what ends before anything is changed.

# refused WHAT STATUS OPTIONS...: it ends with that status and changes nothing.
refused() {
	local what=$1 status=$2 got=0 before
	shift 2
	before=$(changes)
	installer "$@" >"$work/log" 2>&1 || got=$?
	if [ $got -eq "$status" ] && [ "$(changes)" = "$before" ]; then
		echo "ok: $what, and nothing was changed ($(tail -1 "$work/log" | cut -c1-70))"
	else
		cat "$work/log"
		echo "FAILED: $what: status $got"
		failed=1
	fi
}

# What differs from this machine's files, by name, size and time.
changes() {
	find "$work/upper" -xdev ! -type d -printf '%P %s %T@\n' | sort | sha256sum
}

test_refusals() {
	begin
	refused "a dry run" 0 --offline /run/bundle --driver ebpf --dry-run
	refused "wrong usage" 2 --offline /run/bundle --drivel
	refused "no bundle" 1 --offline /run/nothing
	cp -r "$root/run/bundle" "$root/run/damaged"
	echo x >>"$root/run/damaged/sysflow.bpf.o"
	refused "a damaged bundle" 1 --offline /run/damaged
	head -c 1000000 "$bundle" >"$root/run/half.tar.gz"
	refused "half of a bundle" 1 --offline /run/half.tar.gz
	installer "${options[@]}" >"$work/log" 2>&1
	echo 'nonsense = 1' >>"$root/etc/sysflow/sysflow.toml"
	refused "an upgrade with settings that are wrong" 1 "${options[@]}"
}
