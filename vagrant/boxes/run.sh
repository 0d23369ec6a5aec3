#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots a box of build.sh in QEMU, without Vagrant, runs one command in it as
# root when systemd has started everything, and returns its exit status.
set -euo pipefail
# shellcheck source=../../scripts/lib/common.sh
. "$(dirname "$0")/../../scripts/lib/common.sh"

usage() {
	cat <<-USAGE
		usage: run.sh [options] -- COMMAND [ARGUMENT...]
		  --box DIR        what build.sh printed (default \$SYSFLOW_CACHE/boxes/bookworm)
		  --disk FILE      keep what changes there; the next run goes on with it
		  --file SRC:NAME  hand over a file or folder: NAME in the command's folder;
		                   may be repeated
		  --timeout S      give up after S seconds (default 900)
		  --memory M       MiB of the guest (default 1536)
		  --smp N          CPUs of the guest (default 1)
		  --log FILE       keep the console there
		Exit status: the command's; 70 the kernel complained; 124 timeout; 2 usage
		or a missing tool. SYSFLOW_ACCEL=kvm where there is that; else it emulates.
	USAGE
}

box=$CACHE/boxes/bookworm disk='' timeout=900 memory=1536 smp=1 log='' files=()
while [ $# -gt 0 ]; do
	case $1 in
	--box) box=${2:?} && shift ;;
	--disk) disk=${2:?} && shift ;;
	--file) files+=("${2:?}") && shift ;;
	--timeout) timeout=${2:?} && shift ;;
	--memory) memory=${2:?} && shift ;;
	--smp) smp=${2:?} && shift ;;
	--log) log=${2:?} && shift ;;
	-h | --help) usage && exit ;;
	--) shift && break ;;
	*) usage >&2 && die "unknown option $1" ;;
	esac
	shift
done
[ $# -gt 0 ] || { usage >&2 && die "no command given"; }
need qemu-system-x86_64 qemu-system-x86
need qemu-img qemu-utils
[ -f "$box/disk.qcow2" ] || die "$box: no box; make it with vagrant/boxes/build.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -n "$disk" ] || disk=$work/disk.qcow2
[ -f "$disk" ] || qemu-img create -q -f qcow2 -b "$(realpath "$box/disk.qcow2")" -F qcow2 "$disk"

# What is handed over is a tar, and that is a disk.
mkdir "$work/hand"
for file in "${files[@]}"; do
	mkdir -p "$(dirname "$work/hand/${file#*:}")"
	cp -rL "${file%%:*}" "$work/hand/${file#*:}"
done
{ echo '#!/bin/sh' && printf 'exec' && printf ' %q' "$@" && echo; } >"$work/hand/run"
chmod +x "$work/hand/run"
tar -C "$work/hand" -cf "$work/hand.tar" .

# One thread: with thread=multi the emulation itself has shown crashes when
# system call tracepoints are switched.
accel=(-accel "tcg,thread=single" -cpu max)
[ "${SYSFLOW_ACCEL:-}" != kvm ] || accel=(-accel kvm -cpu host)
rc=0
timeout -k 5 "$timeout" qemu-system-x86_64 "${accel[@]}" -m "$memory" -smp "$smp" \
	-nodefaults -no-reboot -display none \
	-kernel "$box/vmlinuz" -initrd "$box/initrd.img" \
	-append "root=/dev/vda rw console=ttyS0 quiet panic=-1 oops=panic" \
	-drive "file=$disk,format=qcow2,if=none,id=disk,cache=unsafe" \
	-device virtio-blk-pci,drive=disk \
	-drive "file=$work/hand.tar,format=raw,if=none,id=hand,readonly=on" \
	-device virtio-blk-pci,drive=hand,serial=sysflow-run \
	-device virtio-rng-pci \
	-serial "file:$work/console" -serial stdio -serial "file:$work/status" \
	</dev/null || rc=$?
[ -z "$log" ] || cp "$work/console" "$log"
if grep -aE 'WARNING: CPU|BUG:|Oops|rcu.*stall|Kernel panic' "$work/console" >&2; then
	echo "${0##*/}: the guest's kernel complained" >&2
	exit 70
fi
if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
	tail -5 "$work/console" >&2
	echo "${0##*/}: no end within $timeout s" >&2
	exit 124
fi
status=$(sed -n 's/^status //p' "$work/status" 2>/dev/null || true)
[ -n "$status" ] || { tail -20 "$work/console" >&2 && die "the guest ended without a status (QEMU: $rc)"; }
exit "$status"
