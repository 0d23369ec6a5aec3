# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by install-test.sh: runs that are cut off.

# cut_off PART OPTIONS...: runs it for so many thousandths of its time.
cut_off() {
	local part=$1 pid status=0
	shift
	setsid chroot "$root" sh /run/bundle/install.sh "$@" >"$work/cut" 2>&1 &
	pid=$!
	# Its group is made by itself.
	until kill -0 -- "-$pid" 2>/dev/null || ! kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
	sleep "$(awk -v all="$took" -v part="$part" 'BEGIN { print all * part / 1000 }')"
	kill -KILL -- "-$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || status=$?
	# On a busy machine those that it began take a while to be gone.
	while kill -0 -- "-$pid" 2>/dev/null; do sleep 0.05; done
	reached=$(tail -1 "$work/cut" | cut -c1-40)
	[ $status -eq 137 ]
}

# Whether all that was installed is what the bundle has.
whole() {
	local at
	case $1 in
	packages)
		at=/usr
		# Settings are changed by --driver.
		! chroot "$root" dpkg --audit | grep . &&
			! chroot "$root" dpkg -V sysflow | grep -v ' c /etc/sysflow/sysflow.toml$' || return 1
		;;
	*) at=$1 ;;
	esac
	tar -xzOf "$root"/run/bundle/sysflow-*-x86_64.tar.gz --wildcards '*/bin/sysflow' | cmp - "$root$at/bin/sysflow" &&
		chroot "$root" "$at/bin/sysflow" config check &&
		chroot "$root" getent passwd sysflow && [ -L "$root$at/bin/sysprint" ] &&
		! find "$root$at" "$root/etc" -xdev -name '*.sysflow-???' 2>/dev/null | grep .
}

# What is left of it, in the layer that was written to.
left() {
	find "$work/upper" -xdev ! -type c \( -ipath '*sysflow*' -o -path '*/opt/a*' \) ! -path '*/var/lib/dpkg/*' ! -path '*/var/log/*'
	! chroot "$root" getent passwd sysflow
}

# test_way NAME OPTIONS...
test_way() {
	local name=$1 at=packages below=() part began
	shift
	if [ "$name" != packages ]; then at=${*: -1} below=(--prefix "$at"); fi
	# The second time, when what it reads is in memory.
	for _ in 1 2; do
		begin
		began=$(date +%s%N)
		installer "$@" >"$work/log" 2>&1 || { cat "$work/log" && die "install.sh fails"; }
	done
	took=$(awk -v a="$began" -v b="$(date +%s%N)" 'BEGIN { print (b - a) / 1e9 }')
	for _ in $(seq "$points"); do
		begin
		part=$((RANDOM % 1000))
		reached=
		# It may have ended before: on a busy machine its time says little.
		until cut_off $part "$@"; do begin && part=$((part / 2)); done
		if installer "$@" >"$work/log" 2>&1 && whole "$at" >>"$work/log" 2>&1; then
			echo "ok: $name, cut off after $part/1000 of $took s ($reached), and repaired"
		else
			cat "$work/log"
			echo "FAILED: $name, cut off after $part/1000 of $took s ($reached)"
			failed=1
		fi
		if ! installer --uninstall --purge "${below[@]}" >"$work/log" 2>&1 || [ -n "$(left 2>&1)" ]; then
			cat "$work/log"
			echo "FAILED: $name: something is left after --uninstall: $(left)"
			failed=1
		fi
	done
}
