#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Cuts install.sh off at random points and runs it again, as packages and below
# a prefix, in an overlay of this machine's files: nothing of it is changed.
set -euo pipefail
# shellcheck source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"

usage() {
	cat <<-USAGE
		usage: install-test.sh [--points N] [BUNDLE]
		  --points N   cut it off so many times each way (default 10)
		BUNDLE: what package.sh made (default \$SYSFLOW_CACHE/dist). As root, on
		Debian. SEED=NUMBER repeats a run. Exit status 1: something does not hold.
	USAGE
}

points=10 bundle=
while [ $# -gt 0 ]; do
	case $1 in
	--points) points=${2:?} && shift ;;
	-h | --help) usage && exit ;;
	-*) usage >&2 && die "unknown option $1" ;;
	*) bundle=$(realpath "$1") ;;
	esac
	shift
done
bundle=${bundle:-$(echo "$CACHE"/dist/sysflow-*.bundle.tar.gz)}
[ -f "$bundle" ] || die "$bundle: no such file; scripts/package.sh makes it"
[ "$(id -u)" -eq 0 ] || die "this mounts: run it as root"
RANDOM=${SEED:=$RANDOM}
echo "seed $SEED"

# Below here in a mount namespace of our own.
if [ -z "${SYSFLOW_INSTALL_TEST:-}" ]; then
	export SYSFLOW_INSTALL_TEST=1 SEED
	exec unshare --mount --propagation private "$0" --points "$points" "$bundle"
fi

work=$(mktemp -d)
trap 'umount -R "$work" 2>/dev/null; rm -rf "$work"' EXIT
mount -t tmpfs tmpfs "$work"
root=$work/root
failed=0

# A fresh view of this machine's files.
begin() {
	umount -R "$root" 2>/dev/null || true
	rm -rf "$work/upper" "$work/over"
	mkdir -p "$work/upper" "$work/over" "$root"
	mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/over" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --bind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/run"
	mount -t tmpfs tmpfs "$root/tmp"
	mkdir -p "$root/run/bundle"
	tar -xzf "$bundle" -C "$root/run/bundle" --strip-components=1
}

installer() {
	chroot "$root" sh /run/bundle/install.sh "$@"
}

# cut_off PART OPTIONS...: runs it for so many thousandths of its time.
cut_off() {
	local part=$1 pid status=0
	shift
	setsid chroot "$root" sh /run/bundle/install.sh "$@" >"$work/cut" 2>&1 &
	pid=$!
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
		! find "$root$at" "$root/etc" -xdev -name '*.sysflow-new' 2>/dev/null | grep .
}

# What is left of it, in the layer that was written to.
left() {
	find "$work/upper" -xdev ! -type c \( -ipath '*sysflow*' \) ! -path '*/var/lib/dpkg/*' ! -path '*/var/log/*'
	! chroot "$root" getent passwd sysflow
}

# test_way NAME OPTIONS...
test_way() {
	local name=$1 at=packages below=() part began cuts=0
	shift
	if [ "$name" != packages ]; then at=/opt/sysflow below=(--prefix /opt/sysflow); fi
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
		! cut_off $part "$@" || cuts=$((cuts + 1))
		if installer "$@" >"$work/log" 2>&1 && whole $at >>"$work/log" 2>&1; then
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
	[ $cuts -gt 0 ] || { echo "FAILED: it was never cut off" && failed=1; }
}

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

options=(--offline /run/bundle --driver ebpf --no-self-test --no-service)
test_refusals
test_way packages "${options[@]}"
test_way prefix "${options[@]}" --prefix /opt/sysflow
exit $failed
