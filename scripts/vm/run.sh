#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots a Debian kernel in QEMU, runs one command in it as root, and returns
# its exit status; a kernel that complained counts as a failure.
set -euo pipefail
# shellcheck source=../lib/common.sh
. "$(dirname "$0")/../lib/common.sh"
# shellcheck source=kernel.sh
. "$ROOT/scripts/vm/kernel.sh"
# shellcheck source=initramfs.sh
. "$ROOT/scripts/vm/initramfs.sh"

usage() {
	cat <<-USAGE
		usage: run.sh [options] -- COMMAND [ARGUMENT...]
		  --kernel V        series (6.1) or release (6.1.0-56-amd64) of Debian's
		                    kernel for amd64 (default 6.1)
		  --module FILE.ko  load it before the command; may be repeated
		  --build-module    build driver/kmod for that kernel and load it
		  --module-file     build it and put it at /sysflow.ko, not loaded
		  --file SRC:DEST   copy a file into the guest, a program with its
		                    libraries; may be repeated
		  --timeout S       give up after S seconds (default 300)
		  --memory M        MiB of the guest (default 1024)
		  --smp N           CPUs of the guest (default 2)
		  --count           a clock that counts instructions, 1 ns each
		  --log FILE        keep the kernel's log there
		Exit status: the command's; 70 the kernel complained; 124 timeout;
		2 usage or a missing tool. Kernels are kept in \$SYSFLOW_CACHE/vm.
	USAGE
}

series=6.1 timeout=300 memory=1024 smp=2 log='' build=''
clock=()
# shellcheck disable=SC2034 # used by name in initramfs
modules=() files=()
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) series=$2 && shift ;;
	--module) modules+=("$2") && shift ;;
	--build-module) build="load" ;;
	--module-file) build="file" ;;
	--file) files+=("$2") && shift ;;
	--timeout) timeout=$2 && shift ;;
	--memory) memory=$2 && shift ;;
	--smp) smp=$2 && shift ;;
	--count) clock=(-icount "shift=0,sleep=off") ;;
	--log) log=$2 && shift ;;
	-h | --help) usage && exit ;;
	--) shift && break ;;
	*) usage >&2 && die "unknown option $1" ;;
	esac
	shift
done
[ $# -gt 0 ] || { usage >&2 && die "no command given"; }
# shellcheck disable=SC2034 # used by name in initramfs
command=("$@")

need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need cpio cpio
need strip binutils
ldd "$(command -v busybox)" >/dev/null 2>&1 &&
	die "busybox is not static: apt-get install busybox-static"

release=$(kernel_release "$series")
image=$(kernel_image "$release")
if [ -n "$build" ]; then
	ko=$("$ROOT/scripts/vm/build-module.sh" "$release")
	if [ "$build" = load ]; then modules+=("$ko"); else files+=("$ko:/sysflow.ko"); fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
initramfs "$work/initrd.gz" modules files command

# One thread: with thread=multi the emulation itself has shown crashes when
# system call tracepoints are switched.
rc=0
timeout -k 5 "$timeout" qemu-system-x86_64 \
	-accel tcg,thread=single "${clock[@]}" -cpu max -m "$memory" -smp "$smp" \
	-nodefaults -no-reboot -display none \
	-kernel "$image" -initrd "$work/initrd.gz" \
	-append "console=ttyS0 loglevel=7 panic=-1 oops=panic" \
	-serial "file:$work/log" -serial stdio -serial "file:$work/status" \
	</dev/null || rc=$?
[ -z "$log" ] || cp "$work/log" "$log"

complaint=$(grep -aE 'WARN|BUG|Oops|Call Trace|rcu.*stall|lockdep|Kernel panic' \
	"$work/log" || true)
if [ -n "$complaint" ]; then
	echo "--- kernel $release complained:" >&2
	grep -aE -A40 'WARN|BUG|Oops|rcu.*stall|lockdep|Kernel panic' "$work/log" |
		head -100 >&2
	exit 70
fi
if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
	tail -5 "$work/log" >&2
	echo "${0##*/}: kernel $release: no end within $timeout s" >&2
	exit 124
fi
status=$(sed -n 's/^status //p' "$work/status" 2>/dev/null || true)
if [ -z "$status" ]; then
	tail -20 "$work/log" >&2
	die "kernel $release ended without a status (QEMU: $rc)"
fi
exit "$status"
