# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by install-test.sh: what install.sh makes of other hosts, by their
# files below SYSFLOW_HOST: Secure Boot, lockdown, headers, families.

# host OS: a host with type information and loadable modules, of which
# nothing is asked.
host() {
	local os=$1
	begin_host
	printf '%b\n' "$os" >"$root/run/host/etc/os-release"
	printf '[none] integrity confidentiality\n' >"$root/run/host/sys/kernel/security/lockdown"
}

begin_host() {
	rm -rf "$root/run/host" "$root/run/programs"
	mkdir -p "$root/run/host/"{etc,proc/sys/kernel,sys/kernel/{btf,security},sys/module/module/parameters} "$root/run/programs"
	touch "$root/run/host/proc/modules" "$root/run/host/sys/kernel/btf/vmlinux"
	echo 0 >"$root/run/host/proc/sys/kernel/modules_disabled"
	echo N >"$root/run/host/sys/module/module/parameters/sig_enforce"
	program uname 'case $1 in -r) echo 6.1.0-56-amd64 ;; *) echo x86_64 ;; esac'
	program systemd-detect-virt 'exit 1'
}

# program NAME TEXT: a program of that host.
program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$root/run/programs/$1"
	chmod +x "$root/run/programs/$1"
}

# kernel RELEASE, with headers.
headers() {
	mkdir -p "$root/run/host/lib/modules/$1/build"
	touch "$root/run/host/lib/modules/$1/build/Makefile"
}

compiler() {
	local name
	for name in make gcc "$@"; do program "$name" ''; done
}

# firmware on|off
firmware() {
	local dir=$root/run/host/sys/firmware/efi/efivars
	mkdir -p "$dir"
	case $1 in on) set -- '\001' ;; *) set -- '\000' ;; esac
	printf '\006\000\000\000%b' "$1" >"$dir/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
}

lockdown_is() {
	echo "none integrity confidentiality" | sed "s/$1/[$1]/" >"$root/run/host/sys/kernel/security/lockdown"
}

# key FILE STATE: a certificate, and what mokutil says of it.
key() {
	mkdir -p "$root/run/host${1%/*}"
	touch "$root/run/host$1"
	program mokutil "case \"\$1 \$2\" in '--test-key /run/host$1') echo \"\$2 is $2 enrolled\" ;; esac"
}

# told WHAT STATUS TEXT... [-- OPTIONS...]
told() {
	local what=$1 status=$2 texts=()
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do texts+=("$1") && shift; done
	[ $# -eq 0 ] || shift
	local environment=(SYSFLOW_HOST=/run/host PATH=/run/programs:/run/tools)
	expect "$what" "$status" "${texts[@]}" -- --offline /run/pretended --dry-run "$@"
}

silent() {
	holds "$1" sh -c "! grep -F -- '$2' '$work/log'"
}

DEBIAN='ID=debian'
ROCKY='ID="rocky"\nID_LIKE="rhel centos fedora"'

test_hosts() {
	local tool import=/var/lib/dkms/mok.pub
	begin
	pretend_bundle "$root/run/bundle" "$work/pretended" 1 nothing
	cp -r "$work/pretended" "$root/run/pretended"
	# What install.sh needs, and no compiler, DKMS and mokutil of this machine.
	mkdir "$root/run/tools"
	for tool in sh sed tr cut awk cat od df du find sort comm mktemp mkdir rm rmdir tar gzip sha256sum grep getconf getent dpkg dpkg-query id dirname head ls cp mv ln chmod uname systemctl tail; do
		ln -s "$(command -v "$tool")" "$root/run/tools/$tool"
	done
	test_debian_hosts
	test_signing
	test_other_families
}

test_debian_hosts() {
	host "$DEBIAN"
	told "Debian without headers" 0 'the headers of kernel 6.1.0-56-amd64 are not installed' \
		'-> apt install dkms linux-headers-6.1.0-56-amd64, and run this again' 'no Secure Boot'
	headers 6.1.0-56-amd64
	told "with headers and no tools" 0 'building it needs make gcc dkms' '-> apt install make gcc dkms, and run this again'
	compiler dkms
	told "with headers and tools" 0 'kernel module, built for this kernel'
	rm "$root/run/host/sys/kernel/btf/vmlinux"
	told "without type information" 1 'eBPF cannot be used: no type information' -- --driver ebpf
	told "the module needs none" 0 'kernel module, built for this kernel'
	echo 1 >"$root/run/host/proc/sys/kernel/modules_disabled"
	told "modules are disabled, and nothing else is there" 1 'nothing can be recorded here' 'kernel.modules_disabled is set'
	silent "and no remedy is told that is none" '->'
	program uname 'case $1 in -r) echo 5.4.0-42-generic ;; *) echo x86_64 ;; esac'
	told "an old kernel" 1 'kernel 5.4.0-42-generic is too old, 5.10 is needed'
	program uname 'case $1 in -r) echo 5.10.0-8-amd64 ;; *) echo x86_64 ;; esac'
	told "5.10 is not" 1 'modules_disabled'
	program uname 'case $1 in -r) echo 6.1.0-56-arm64 ;; *) echo aarch64 ;; esac'
	told "another machine" 1 'only x86-64 is supported, and this is aarch64'
}

# From a host that has nothing to a key that is enrolled, each with its next step.
test_signing() {
	host "$DEBIAN"
	headers 6.1.0-56-amd64
	compiler dkms
	firmware off
	told "Secure Boot that is off" 0 'no Secure Boot' 'kernel module, built for this kernel'
	firmware on
	told "Secure Boot of a kernel that asks nothing" 0 ', Secure Boot' 'kernel module, built for this kernel'
	lockdown_is integrity
	told "Secure Boot, lockdown, no mokutil and no key" 0 'Secure Boot, lockdown integrity' 'eBPF; the kernel module cannot be used' \
		'no key of this host is enrolled' '-> apt install mokutil' '-> install -d -m 700 /var/lib/dkms && openssl req -new -x509' \
		"-outform DER -out $import" "-> mokutil --import $import && reboot, confirm on the console, and run this again"
	key $import not
	told "a key that is not enrolled" 0 "-> mokutil --import $import && reboot"
	silent "is not made again" openssl
	silent "mokutil is there" 'apt install'
	told "and only the module will do" 1 'the kernel module cannot be used' "-> mokutil --import $import" -- --driver kmod
	lockdown_is confidentiality
	told "lockdown keeps eBPF out" 1 'nothing can be recorded here' "lockdown keeps programs from reading the kernel's memory" \
		"-> mokutil --import $import"
	key $import 'already'
	told "the key is enrolled" 0 'lockdown confidentiality' 'kernel module, built for this kernel'
	key /var/lib/shim-signed/mok/MOK.der not
	told "Ubuntu's key" 1 '-> mokutil --import /var/lib/shim-signed/mok/MOK.der && reboot' -- --driver auto
	key /var/lib/shim-signed/mok/MOK.der already
	told "Ubuntu's key that is enrolled" 0 'kernel module, built for this kernel'
	test_without_secure_boot
}

test_without_secure_boot() {
	host "$DEBIAN"
	headers 6.1.0-56-amd64
	compiler dkms
	lockdown_is integrity
	told "lockdown without Secure Boot" 0 'no Secure Boot, lockdown integrity' 'eBPF; the kernel module cannot be used' \
		'-> no key can be enrolled without Secure Boot'
	silent "and no key is made" mokutil
	lockdown_is none
	echo Y >"$root/run/host/sys/module/module/parameters/sig_enforce"
	told "module.sig_enforce" 0 'takes signed modules only' '-> no key can be enrolled without Secure Boot'
	# Where efivarfs is not mounted.
	mkdir -p "$root/run/host/sys/firmware/efi"
	told "firmware that says nothing" 0 'Secure Boot not known' '-> apt install mokutil'
	program mokutil 'case $1 in --sb-state) echo "SecureBoot enabled" ;; esac'
	told "mokutil says that Secure Boot is on" 0 ', Secure Boot' '-> install -d -m 700 /var/lib/dkms'
	program mokutil 'case $1 in --sb-state) echo "SecureBoot disabled" ;; esac'
	told "mokutil says that it is off" 0 'no Secure Boot' '-> no key can be enrolled'
}

test_other_families() {
	host "$ROCKY"
	program uname 'case $1 in -r) echo 5.14.0-427.13.1.el9_4.x86_64 ;; *) echo x86_64 ;; esac'
	told "Rocky without headers" 0 'the headers of kernel 5.14.0-427.13.1.el9_4.x86_64 are not installed' \
		'-> dnf install kernel-devel-5.14.0-427.13.1.el9_4.x86_64 make gcc, and run this again' 'would write /usr/local/bin/sysflow'
	headers 5.14.0-427.13.1.el9_4.x86_64
	told "Rocky without tools" 0 '-> dnf install make gcc, and run this again'
	compiler
	told "Rocky with both" 0 'kernel module, built for this kernel' 'would write /etc/systemd/system/sysflow-driver.service'
	firmware on
	lockdown_is integrity
	told "Rocky with Secure Boot" 0 'without DKMS none is signed' '-> after this, by hand: sysflow probe load; sysflow doctor'
	host 'ID="opensuse-leap"\nID_LIKE="suse"'
	program uname 'case $1 in -r) echo 6.4.0-150600.23-default ;; *) echo x86_64 ;; esac'
	told "SUSE without headers" 0 '-> zypper install kernel-default-devel make gcc, and run this again'
	host 'ID=alpine'
	told "another family" 0 '-> install kernel-devel-6.1.0-56-amd64 make gcc, and run this again'
	# Not only told, but done.
	printf '%b\n' "$ROCKY" >"$root/etc/os-release"
	expect "Rocky: below /usr/local" 0 'installed  below /usr/local' -- --offline /run/pretended --driver ebpf
	holds "as it should be" sh -c "test -x '$root/usr/local/bin/sysflow' && grep -q '^ExecStart=/usr/local/bin/sysflow record' '$root/etc/systemd/system/sysflow.service'"
	expect "and removed" 0 'removed    everything' -- --uninstall --purge
	holds "without a trace" [ -z "$(left 2>&1)" ]
}
