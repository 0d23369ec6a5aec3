#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tries install.sh where it is hard: cut off at random points and run again,
# upgrades to what does not work, Secure Boot and lockdown, full disks. As packages
# and below a prefix, in an overlay of this machine's files: nothing of it is changed.
set -euo pipefail
# shellcheck source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"
# shellcheck source=install/test/cut-off.sh
. "$ROOT/scripts/install/test/cut-off.sh"
# shellcheck source=install/test/refusals.sh
. "$ROOT/scripts/install/test/refusals.sh"
# shellcheck source=install/test/bundles.sh
. "$ROOT/scripts/install/test/bundles.sh"
# shellcheck source=install/test/back.sh
. "$ROOT/scripts/install/test/back.sh"
# shellcheck source=install/test/hosts.sh
. "$ROOT/scripts/install/test/hosts.sh"

usage() {
	cat <<-USAGE
		usage: install-test.sh [--points N] [--only PART]... [BUNDLE]
		  --points N   cut it off so many times each way (default 10)
		  --only PART  refusals, hosts, back, packages or prefix; all unless told
		BUNDLE: what package.sh made (default \$SYSFLOW_CACHE/dist). As root, on
		Debian. SEED=NUMBER repeats a run. Exit status 1: something does not hold.
	USAGE
}

points=10 bundle='' only=()
while [ $# -gt 0 ]; do
	case $1 in
	--points) points=${2:?} && shift ;;
	--only=*) only+=("${1#*=}") ;;
	--only) only+=("${2:?}") && shift ;;
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
	exec unshare --mount --propagation private "$0" --points "$points" "${only[@]/#/--only=}" "$bundle"
fi

work=$(mktemp -d)
trap 'umount -R "$work" 2>/dev/null; rm -rf "$work"' EXIT
mount -t tmpfs tmpfs "$work"
root=$work/root
failed=0
environment=()

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
	chroot "$root" /usr/bin/env "${environment[@]}" /bin/sh /run/bundle/install.sh "$@"
}

# expect WHAT STATUS TEXT... -- OPTIONS...: it ends with that status, and says
# each of these, at which the options of install.sh begin.
expect() {
	local what=$1 status=$2 got=0 texts=() text
	shift 2
	while [ "$1" != -- ]; do texts+=("$1") && shift; done
	shift
	installer "$@" >"$work/log" 2>&1 || got=$?
	for text in "${texts[@]}"; do
		grep -Fqe "$text" "$work/log" || got="$got, and not: $text"
	done
	holds "$what" [ "$got" = "$status" ]
}

# holds WHAT COMMAND...: shows the last run of install.sh where it does not.
holds() {
	local what=$1
	shift
	if "$@" >"$work/holds" 2>&1; then
		echo "ok: $what"
	else
		grep -v '^  would write ' "$work/log" || true
		cat "$work/holds"
		echo "FAILED: $what"
		failed=1
	fi
}

wanted() {
	[ ${#only[@]} -eq 0 ] || printf '%s\n' "${only[@]}" | grep -qx "$1"
}

options=(--offline /run/bundle --driver ebpf --no-self-test --no-service)
! wanted refusals || test_refusals
! wanted hosts || test_hosts
! wanted back || test_back
! wanted packages || test_way packages "${options[@]}"
! wanted prefix || test_way prefix "${options[@]}" --prefix "/opt/a folder/sysflow"
exit $failed
