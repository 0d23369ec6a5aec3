# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC3043 # local
# Part of install.sh: what the host is, and asks of kernel modules.

# What is looked up of the host is read below this folder: tests put the files
# of another host there.
facts=${SYSFLOW_HOST:-}

with_systemd() {
	[ -d /run/systemd/system ] && have systemctl
}

look_at_host() {
	local name memory boot
	name=$(os_release PRETTY_NAME)
	family="$(os_release ID) $(os_release ID_LIKE)"
	release=$(uname -r)
	memory=$(awk '/^MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo)
	case $(secure_boot) in
	on) boot="Secure Boot" ;;
	unknown) boot="Secure Boot not known" ;;
	*) boot="no Secure Boot" ;;
	esac
	[ -z "$(lockdown)" ] || boot="$boot, lockdown $(lockdown)"
	say host "${name:-Linux}, kernel $release, $(uname -m), $(getconf _NPROCESSORS_ONLN) CPUs, $memory, $boot"
	[ "$(uname -m)" = x86_64 ] || die "only x86-64 is supported, and this is $(uname -m)"
	! kernel_is_old || die "kernel $release is too old, 5.10 is needed: boot a newer one"
	how=prefix
	if is_debian && have dpkg && [ -z "$prefix" ]; then
		how=packages
	fi
	[ $how = packages ] || prefix=${prefix:-/usr/local}
}

# os_release NAME: a word of the host's description of itself.
os_release() {
	sed -n "s/^$1=//p" "$facts/etc/os-release" 2>/dev/null | tr -d "\"'"
}

is_debian() {
	case " $family " in *" debian "* | *" ubuntu "*) return 0 ;; *) return 1 ;; esac
}

kernel_is_old() {
	local major=${release%%.*} minor=${release#*.}
	minor=${minor%%[!0-9]*}
	[ "$major" -lt 5 ] || { [ "$major" -eq 5 ] && [ "$minor" -lt 10 ]; }
}

# installs PACKAGE...: the command that does, by the family's name for it.
installs() {
	case " $family " in
	*" debian "* | *" ubuntu "*) echo "apt install $*" ;;
	*" rhel "* | *" fedora "* | *" centos "*) echo "dnf install $*" ;;
	*" suse "* | *" opensuse "*) echo "zypper install $*" ;;
	*) echo "install $*" ;;
	esac
}

# The package of the running kernel's headers.
headers_package() {
	case " $family " in
	*" debian "* | *" ubuntu "*) echo "linux-headers-$release" ;;
	# default is a flavour of the kernel, as in 6.4.0-150600.23-default.
	*" suse "* | *" opensuse "*) echo "kernel-${release##*-}-devel" ;;
	*) echo "kernel-devel-$release" ;;
	esac
}

# on, off, none (not booted by UEFI) or unknown. The firmware's variable: four
# bytes of attributes, then the value.
secure_boot() {
	local file=$facts/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	if [ ! -d "$facts/sys/firmware/efi" ]; then
		echo none
	elif [ -r "$file" ]; then
		case $(od -An -t u1 -j 4 -N 1 "$file" | tr -d ' ') in 1) echo on ;; *) echo off ;; esac
	else
		# efivarfs is not mounted, or not ours to read.
		case $(mokutil --sb-state 2>/dev/null) in
		*"SecureBoot enabled"*) echo on ;;
		*"SecureBoot disabled"*) echo off ;;
		*) echo unknown ;;
		esac
	fi
}

# integrity, confidentiality, or nothing.
lockdown() {
	sed -n 's/.*\[\(integrity\|confidentiality\)\].*/\1/p' "$facts/sys/kernel/security/lockdown" 2>/dev/null || true
}

# flag FILE: whether it holds a set one.
flag() {
	case $(cat "$facts$1" 2>/dev/null) in 1 | Y) return 0 ;; *) return 1 ;; esac
}

signed_only() {
	[ -n "$(lockdown)" ] || flag /sys/module/module/parameters/sig_enforce
}

in_container() {
	have systemd-detect-virt && systemd-detect-virt -cq
}

selinux_enforces() {
	flag /sys/fs/selinux/enforce
}

# room FOLDER KIB: ends where there is less than that.
room() {
	local at=$1 free
	while [ ! -d "$at" ]; do at=${at%/*} && at=${at:-/}; done
	free=$(df -Pk "$at" | awk 'END { print $4 }')
	[ "${free:-$2}" -ge "$2" ] ||
		die "$at has $((free / 1024)) MiB left, and $(($2 / 1024 + 1)) are needed: make room there; nothing was changed"
}
