#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the SysFlow recorder from a bundle (scripts/package.sh makes it), as
# packages on Debian and its relatives and below a prefix elsewhere; upgrades,
# repairs and removes it. Nothing runs before the last line was read.
# shellcheck disable=SC3043 # local: each shell that is /bin/sh somewhere has it
set -eu

usage() {
	cat <<-'USAGE'
		usage: install.sh [options]
		  --offline BUNDLE   install from this bundle, a file or an unpacked folder,
		                     and use no network; without it the folder of this script
		  --from URL         fetch the bundle there; URL.sha256 has its checksum
		  --driver DRIVER    auto (default): the kernel module where it can be built
		                     and loaded, else eBPF; kmod; ebpf
		  --prefix DIR       install below DIR, also where there are packages
		                     (default there /usr, elsewhere /usr/local)
		  --no-service       do not start the recorder, nor at boot
		  --no-self-test     do not record known calls to see that it works
		  --dry-run          say what would be done, change nothing
		  --uninstall        remove everything but what was recorded
		  --purge            with --uninstall: that too
		  -h, --help
		Safe to repeat, also after it was cut off. Keeps the settings of an older
		version, and tries the new program before that one goes. As root.
		Exit status: 0 done; 1 failed, and it says what to do; 2 wrong usage.
	USAGE
}

die() {
	echo "install.sh: $*" >&2
	exit 1
}

wrong() {
	usage >&2
	echo "install.sh: $*" >&2
	exit 2
}

# say SUBJECT TEXT
say() {
	printf '  %-10s %s\n' "$1" "$2"
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# Runs what changes the host, or says that it would.
run() {
	if [ -n "$dry" ]; then
		echo "  would run  $*"
	else
		"$@"
	fi
}

# The same, and its output is shown only when it fails.
quietly() {
	if [ -n "$dry" ]; then
		echo "  would run  $*"
	elif ! "$@" >"$work/log" 2>&1 </dev/null; then
		cat "$work/log" >&2
		return 1
	fi
}

main() {
	offline='' from='' driver=auto prefix='' service=yes selftest=yes dry='' action=install purge=''
	while [ $# -gt 0 ]; do
		case $1 in
		--offline | --from | --driver | --prefix)
			[ $# -gt 1 ] || wrong "$1 needs a value"
			case $1 in
			--offline) offline=$2 ;;
			--from) from=$2 ;;
			--driver) driver=$2 ;;
			--prefix) prefix=$2 ;;
			esac
			shift
			;;
		--no-service) service='' ;;
		--no-self-test) selftest='' ;;
		--dry-run) dry=yes ;;
		--uninstall) action=uninstall ;;
		--purge) purge=yes ;;
		-h | --help) usage && exit 0 ;;
		*) wrong "unknown argument $1" ;;
		esac
		shift
	done
	case $driver in auto | kmod | ebpf) ;; *) wrong "no driver $driver: auto, kmod or ebpf" ;; esac
	case $prefix in '' | /*) ;; *) wrong "--prefix needs a path that begins with /" ;; esac
	[ -z "$purge" ] || [ $action = uninstall ] || wrong "--purge goes with --uninstall"
	[ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || die "this needs root: run it with sudo (--dry-run does not)"
	prefix=${prefix%/}
	PATH=$PATH:/usr/sbin:/sbin
	one_at_a_time
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/sysflow-install.XXXXXX")
	trap 'leave' EXIT
	trap 'exit 1' HUP INT TERM
	if [ $action = uninstall ]; then
		uninstall
	else
		install_all
	fi
}

leave() {
	# The old recorder may start again, whatever came.
	[ -z "${masked:-}" ] || systemctl -q unmask --runtime sysflow.service 2>/dev/null || true
	rm -rf "$work"
}

one_at_a_time() {
	[ -z "$dry" ] && have flock || return 0
	mkdir -p /run/lock
	exec 9>/run/lock/sysflow-install
	flock -w 5 9 || die "another install.sh runs"
	# Of one that was cut off.
	for left in "${TMPDIR:-/var/tmp}"/sysflow-install.??????; do
		[ -d "$left" ] || continue
		cut_off=yes
		rm -rf "$left"
	done
}

with_systemd() {
	[ -d /run/systemd/system ] && have systemctl
}

# ---- the host

look_at_host() {
	local name memory boot
	name=$(os_release PRETTY_NAME)
	family="$(os_release ID) $(os_release ID_LIKE)"
	release=$(uname -r)
	memory=$(awk '/^MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo)
	case $(secure_boot) in
	on) boot="Secure Boot" ;;
	*) boot="no Secure Boot" ;;
	esac
	[ -z "$(lockdown)" ] || boot="$boot, lockdown $(lockdown)"
	say host "${name:-Linux}, kernel $release, $(uname -m), $(getconf _NPROCESSORS_ONLN) CPUs, $memory, $boot"
	[ "$(uname -m)" = x86_64 ] || die "only x86-64 is supported, and this is $(uname -m)"
	how=tarball
	case " $family " in
	*" debian "* | *" ubuntu "*) ! have dpkg || [ -n "$prefix" ] || how=packages ;;
	esac
	[ $how = packages ] || prefix=${prefix:-/usr/local}
}

# os_release NAME: a word of the host's description of itself.
os_release() {
	sed -n "s/^$1=//p" /etc/os-release 2>/dev/null | tr -d "\"'"
}

# The firmware's variable: four bytes of attributes, then the value.
secure_boot() {
	local file=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	[ -r "$file" ] && [ "$(od -An -t u1 -j 4 -N 1 "$file" | tr -d ' ')" = 1 ] && echo on || echo off
}

# integrity, confidentiality, or nothing.
lockdown() {
	sed -n 's/.*\[\(integrity\|confidentiality\)\].*/\1/p' /sys/kernel/security/lockdown 2>/dev/null || true
}

flag() {
	case $(cat "$1" 2>/dev/null) in 1 | Y) return 0 ;; *) return 1 ;; esac
}

signed_only() {
	[ -n "$(lockdown)" ] || flag /sys/module/module/parameters/sig_enforce
}

# ---- which driver

# Sets chosen to kmod or ebpf, and why. Nothing was changed before.
choose_driver() {
	local module ebpf
	module=$(module_hindrance)
	ebpf=$(ebpf_hindrance)
	case $driver in
	kmod)
		[ -z "$module" ] || { remedies; die "the kernel module cannot be used: $module"; }
		chosen=kmod
		;;
	ebpf)
		[ -z "$ebpf" ] || die "eBPF cannot be used: $ebpf"
		chosen=ebpf
		;;
	auto)
		if [ -z "$module" ]; then
			chosen=kmod
		elif [ -z "$ebpf" ]; then
			chosen=ebpf
			say driver "eBPF; the kernel module cannot be used: $module"
			remedies
			return
		else
			remedies
			die "nothing can be recorded here. The kernel module: $module. eBPF: $ebpf"
		fi
		;;
	esac
	case $chosen in
	kmod) say driver "kernel module, built for this kernel" ;;
	ebpf) say driver "eBPF" ;;
	esac
}

# Why there can be no module; nothing where there can.
module_hindrance() {
	local headers=/lib/modules/$release/build
	if [ ! -e /proc/modules ]; then
		echo "this kernel is built without loadable modules"
	elif flag /proc/sys/kernel/modules_disabled; then
		echo "kernel.modules_disabled is set, until the next boot"
	elif have systemd-detect-virt && systemd-detect-virt -cq; then
		echo "this is a container"
	elif signed_only && ! key_is_enrolled; then
		echo "this kernel takes signed modules only, and no key of this host is enrolled"
	elif [ -e "$headers/Makefile" ] && have make && have gcc && { [ $how = tarball ] || have dkms; }; then
		:
	elif [ $how = packages ] && [ -z "$offline" ] && apt-cache show "linux-headers-$release" >/dev/null 2>&1; then
		: # they will be installed
	elif [ ! -e "$headers/Makefile" ]; then
		echo "the headers of kernel $release are not installed"
	else
		echo "building it needs $([ $how = tarball ] || echo 'dkms, ')make and gcc"
	fi
}

ebpf_hindrance() {
	if [ ! -e /sys/kernel/btf/vmlinux ]; then
		echo "no type information at /sys/kernel/btf/vmlinux"
	elif [ "$(lockdown)" = confidentiality ]; then
		echo "lockdown keeps programs from reading the kernel's memory"
	fi
}

# The keys that DKMS and Ubuntu sign with.
key_is_enrolled() {
	local key
	have mokutil || return 1
	for key in /var/lib/dkms/mok.pub /var/lib/shim-signed/mok/MOK.der; do
		if [ -e "$key" ] && mokutil --test-key "$key" 2>&1 | grep -q 'is already enrolled'; then
			return 0
		fi
	done
	return 1
}

# What the operator can do to have the module.
remedies() {
	local key=/var/lib/dkms/mok.pub
	# Nothing that is installed would help.
	[ -e /proc/modules ] && ! flag /proc/sys/kernel/modules_disabled || return 0
	if have systemd-detect-virt && systemd-detect-virt -cq; then
		return 0
	fi
	if signed_only && ! key_is_enrolled; then
		have mokutil || say '' "-> apt install mokutil"
		if [ -e /var/lib/shim-signed/mok/MOK.der ]; then
			key=/var/lib/shim-signed/mok/MOK.der
		elif [ ! -e $key ]; then
			say '' "-> install -d -m 700 /var/lib/dkms && openssl req -new -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=DKMS module signing key/' -keyout /var/lib/dkms/mok.key -outform DER -out $key"
		fi
		say '' "-> mokutil --import $key && reboot, confirm on the console, and run this again"
	elif [ ! -e "/lib/modules/$release/build/Makefile" ]; then
		case " $family " in
		*" debian "* | *" ubuntu "*) say '' "-> apt install dkms linux-headers-$release, and run this again" ;;
		*) say '' "-> install kernel-devel-$release, make and gcc, and run this again" ;;
		esac
	elif ! have make || ! have gcc || { [ $how = packages ] && ! have dkms; }; then
		say '' "-> install $([ $how = tarball ] || echo 'dkms, ')make and gcc, and run this again"
	fi
}

# ---- the bundle

# Sets bundle to a folder whose checksums are right.
open_bundle() {
	local here archive=''
	if [ -n "$from" ]; then
		[ -z "$offline" ] || wrong "--offline and --from exclude each other"
		archive=$work/bundle.tar.gz
		fetch "$from" "$archive"
		fetch "$from.sha256" "$archive.sha256"
		[ "$(cut -d' ' -f1 "$archive.sha256")" = "$(sha256sum "$archive" | cut -d' ' -f1)" ] ||
			die "$from is not what its checksum says: fetch it again"
	elif [ -n "$offline" ]; then
		[ -e "$offline" ] || die "$offline: no such file or folder"
		[ -d "$offline" ] || archive=$offline
		bundle=$offline
	else
		here=$(cd "$(dirname "$0")" && pwd)
		[ -f "$here/SHA256SUMS" ] ||
			die "no bundle beside this script: name one with --offline BUNDLE or --from URL"
		bundle=$here
	fi
	if [ -n "$archive" ]; then
		mkdir "$work/bundle"
		tar -xzf "$archive" -C "$work/bundle" --strip-components=1 --no-same-owner ||
			die "$archive: no bundle, or not all of it"
		bundle=$work/bundle
	fi
	(cd "$bundle" && sha256sum --quiet -c SHA256SUMS >/dev/null 2>&1) ||
		die "the bundle is damaged: its checksums differ; get it again"
	mkdir "$work/new"
	tar -xzf "$bundle"/sysflow-*-x86_64.tar.gz -C "$work/new" --strip-components=1 --no-same-owner
	new=$work/new/bin/sysflow
	version=$("$new" --version | cut -d' ' -f2) || die "the program of the bundle does not run here"
	say bundle "sysflow $version, checksums are right"
}

fetch() {
	if have curl; then
		curl -fsSL --proto '=https,file' -o "$2" "$1" || die "cannot fetch $1"
	elif have wget; then
		wget -q -O "$2" "$1" || die "cannot fetch $1"
	else
		die "--from needs curl or wget"
	fi
}

# ---- installing

# Whether dpkg has anything of a package, be it half of it or its settings.
has_package() {
	have dpkg-query && dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qvx not-installed
}

# The program that is installed now, if one is.
old_program() {
	if [ $how = packages ]; then
		dpkg-query -W -f '${db:Status-Status}\n' sysflow 2>/dev/null | grep -qx installed &&
			[ -x /usr/bin/sysflow ] && echo /usr/bin/sysflow
	else
		[ -x "$prefix/bin/sysflow" ] && echo "$prefix/bin/sysflow"
	fi
}

install_all() {
	look_at_host
	open_bundle
	choose_driver
	old=$(old_program) || old=
	if [ -n "$old" ]; then
		say upgrade "from $("$old" --version 2>/dev/null | cut -d' ' -f2 || echo 'one that does not run'); settings are kept"
	fi
	try_new
	if [ $how = packages ]; then
		install_packages
	else
		install_tarball
	fi
	choose_in_settings
	if ! start_and_test; then
		roll_back
	fi
	next_steps
}

# The new program is tried before anything changes: with the settings that are
# here, and by recording beside the old one, which eBPF can.
try_new() {
	if [ -f /etc/sysflow/sysflow.toml ] && ! "$new" config check >"$work/log" 2>&1; then
		cat "$work/log" >&2
		die "the new version does not take these settings, and nothing was changed: correct them, and run this again"
	fi
	[ -n "$old" ] && [ -n "$selftest" ] && [ -z "$dry" ] && [ -z "$(ebpf_hindrance)" ] || return 0
	if ! "$new" selftest --driver ebpf >"$work/selftest" 2>&1; then
		cat "$work/selftest" >&2
		die "the new version does not record here, and nothing was changed"
	fi
	say try "the new version records ($(words 'calls'))"
}

# What the self-test said of a subject.
words() {
	sed -n "s/^$1 *//p" "$work/selftest"
}

# Debian's scripts would start the recorder before it is tested.
hold_service() {
	with_systemd && [ -z "$dry" ] || return 0
	systemctl -q mask --runtime sysflow.service 2>/dev/null && masked=yes || true
}

release_service() {
	[ -n "${masked:-}" ] || return 0
	systemctl -q unmask --runtime sysflow.service || true
	masked=
}

install_packages() {
	local debs
	debs=$(echo "$bundle"/sysflow_*_amd64.deb)
	if [ "$chosen" = kmod ]; then
		install_build_tools
		debs="$debs $(echo "$bundle"/sysflow-dkms_*_all.deb)"
	elif has_package sysflow-dkms; then
		quietly dpkg --purge sysflow-dkms || die "cannot remove sysflow-dkms: see above"
	fi
	hold_service
	# Of a run that was cut off other packages, too, can wait to be told of it.
	[ -z "${cut_off:-}" ] || quietly dpkg --configure --pending || true
	# shellcheck disable=SC2086 # several
	quietly env DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold -i $debs ||
		{ release_service && die "dpkg failed: see above; run this again when that is put right"; }
	release_service
	if [ -z "$dry" ] && [ "$chosen" = kmod ] && ! dkms status -m sysflow -k "$release" 2>/dev/null | grep -q installed; then
		say driver "DKMS did not build the module: see /var/lib/dkms/sysflow/*/build/make.log"
		[ "$driver" = auto ] && [ -z "$(ebpf_hindrance)" ] || die "and no other driver can be used"
		chosen=ebpf
	fi
	say installed "the packages sysflow$([ "$chosen" != kmod ] || echo ' and sysflow-dkms')"
}

# What DKMS needs, over the network where that is allowed.
install_build_tools() {
	local package missing=''
	for package in dkms gcc make; do
		have "$package" || missing="$missing $package"
	done
	[ -e "/lib/modules/$release/build/Makefile" ] || missing="$missing linux-headers-$release"
	[ -n "$missing" ] || return 0
	say fetch "from the distribution:$missing"
	# shellcheck disable=SC2086 # several
	quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing ||
		die "apt-get cannot install$missing: see above, or use --driver ebpf"
}

# "SOURCE DEST MODE" of everything that the tarball brings, the program last.
tarball_files() {
	local file dest
	(cd "$work/new" && find . -type f ! -path './bin/*' ! -path './lib/*' ! -path './etc/*' | sed 's|^\./||' | LC_ALL=C sort) |
		while read -r file; do echo "$file $prefix/$file 644"; done
	if [ -n "$service" ] && have systemctl; then
		for file in "$work"/new/lib/systemd/system/*.service; do
			dest=${file##*/}
			[ "$dest" = sysflow-driver.service ] && [ "$chosen" != kmod ] && continue
			# The units name the program where it is.
			sed "s|/usr/bin/sysflow|$prefix/bin/sysflow|" "$file" >"$work/new/$dest"
			echo "$dest /etc/systemd/system/$dest 644"
		done
		echo "lib/udev/rules.d/60-sysflow.rules /etc/udev/rules.d/60-sysflow.rules 644"
	fi
	echo "bin/sysflow $prefix/bin/sysflow 755"
}

# What is installed is written down before it is, so that an interrupted run
# leaves nothing that --uninstall does not know.
install_tarball() {
	local manifest=$prefix/share/sysflow/manifest from dest mode
	tarball_files >"$work/files"
	if [ -n "$dry" ]; then
		while read -r from dest mode; do echo "  would write $dest"; done <"$work/files"
		return 0
	fi
	make_user
	make_folder "${manifest%/*}"
	[ ! -f "$work/folders" ] || cat "$work/folders" >>"$prefix/share/sysflow/folders"
	{
		cut -d' ' -f2 "$work/files"
		echo "$prefix/bin/sysprint"
		[ ! -f "$manifest" ] || cat "$manifest"
	} | LC_ALL=C sort -u >"$manifest.new"
	mv "$manifest.new" "$manifest"
	while read -r from dest mode; do
		put "$work/new/$from" "$dest" "$mode"
	done <"$work/files"
	ln -sfn sysflow "$prefix/bin/sysprint"
	# What only the older version had goes.
	{ cut -d' ' -f2 "$work/files" && echo "$prefix/bin/sysprint"; } | LC_ALL=C sort >"$work/now"
	LC_ALL=C comm -13 "$work/now" "$manifest" | while read -r dest; do rm -f "$dest"; done
	cp "$work/now" "$manifest.new" && mv "$manifest.new" "$manifest"
	if [ ! -e /etc/sysflow/sysflow.toml ]; then
		put "$work/new/etc/sysflow/sysflow.toml" /etc/sysflow/sysflow.toml 640
		chgrp sysflow /etc/sysflow/sysflow.toml
	fi
	say installed "below $prefix"
}

# put SOURCE DEST MODE: there is always an old file or the new one, whole.
put() {
	make_folder "${2%/*}"
	cp "$1" "$2.sysflow-new"
	chmod "$3" "$2.sysflow-new"
	mv "$2.sysflow-new" "$2"
}

# Each folder that is made is written down before, to be removed again.
make_folder() {
	local list=$prefix/share/sysflow/folders
	[ ! -d "$1" ] || return 0
	case ${1%/*} in '') ;; *) make_folder "${1%/*}" ;; esac
	[ -d "${list%/*}" ] || list=$work/folders
	echo "$1" >>"$list"
	mkdir "$1"
}

make_user() {
	getent passwd sysflow >/dev/null && return 0
	getent group sysflow >/dev/null || groupadd --system sysflow
	useradd --system --gid sysflow --no-create-home --home-dir /var/lib/sysflow \
		--shell "$(command -v nologin || echo /bin/false)" --comment 'SysFlow recorder' sysflow
}

# A driver that was asked for by name is asked for by the recorder, too.
choose_in_settings() {
	local file=/etc/sysflow/sysflow.toml
	[ "$driver" != auto ] || return 0
	run sed -i "s/^driver = \"[a-z]*\"/driver = \"$driver\"/" $file
}

program() {
	if [ $how = packages ]; then echo /usr/bin/sysflow; else echo "$prefix/bin/sysflow"; fi
}

# Status 1: the new version does not work, and the reason was told.
start_and_test() {
	local status=0
	if with_systemd; then
		quietly systemctl daemon-reload
		# A recorder has the driver for itself.
		systemctl -q is-active sysflow.service 2>/dev/null && quietly systemctl stop sysflow.service
		if [ "$chosen" = kmod ]; then
			quietly systemctl restart sysflow-driver.service || module_failed || return 1
		fi
	elif [ "$chosen" = kmod ] && [ -n "$selftest" ]; then
		quietly "$(program)" probe load || module_failed || return 1
	fi
	if [ -n "$selftest" ] && [ -z "$dry" ]; then
		"$(program)" selftest --driver "$chosen" >"$work/selftest" 2>&1 || status=1
		if [ $status -ne 0 ]; then
			cat "$work/selftest" >&2
			say self-test "FAILED; $(program) doctor may tell why"
			return 1
		fi
		say self-test "$(words calls), $(words lost) lost, $(words cost)"
	fi
	start_service
}

# The module was built and is not taken: eBPF if that was allowed.
module_failed() {
	say driver "the module cannot be loaded: see above, and $(program) doctor"
	[ "$driver" = auto ] && [ -z "$(ebpf_hindrance)" ] || return 1
	chosen=ebpf
	say driver "eBPF is used"
}

start_service() {
	if [ -z "$service" ]; then
		if with_systemd; then
			quietly systemctl disable --now sysflow.service
		fi
		say service "not started: systemctl enable --now sysflow"
		return 0
	fi
	if ! with_systemd; then
		say service "no systemd runs here: start $(program) record as you start other services"
		return 0
	fi
	[ "$chosen" != kmod ] || quietly systemctl enable sysflow-driver.service
	quietly systemctl enable sysflow.service
	if ! quietly systemctl restart sysflow.service; then
		journalctl -q -n 20 -u sysflow.service >&2 || true
		say service "FAILED: see above"
		return 1
	fi
	[ -n "$dry" ] || keep_packages
	say service "runs, and at boot; it writes to /var/lib/sysflow/ (/etc/sysflow/sysflow.toml)"
}

# ---- going back

KEPT=/var/cache/sysflow/packages

# What works is kept, so that a later upgrade that does not can be undone.
keep_packages() {
	[ $how = packages ] || return 0
	rm -rf $KEPT.new
	mkdir -p $KEPT.new
	cp "$bundle"/*.deb $KEPT.new/
	rm -rf $KEPT
	mv $KEPT.new $KEPT
}

# The new version is here and does not work.
roll_back() {
	local debs
	debs=$(echo $KEPT/sysflow_*_amd64.deb)
	if [ -z "$old" ] || [ $how != packages ] || [ ! -f "$debs" ]; then
		die "it does not work here: see above. install.sh --uninstall removes it"
	fi
	if has_package sysflow-dkms; then
		debs="$debs $(echo $KEPT/sysflow-dkms_*_all.deb)"
	fi
	# shellcheck disable=SC2086 # several
	quietly env DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold -i $debs ||
		die "the version from before cannot be installed again: see above"
	if with_systemd; then
		quietly systemctl restart sysflow.service || true
	fi
	die "the new version does not work here: see above. The one from before is back"
}

# ---- removing

uninstall() {
	local found='' prefixes
	prefixes=${prefix:-/usr/local}
	if with_systemd; then
		for unit in sysflow.service sysflow-driver.service; do
			if systemctl -q is-enabled $unit 2>/dev/null || systemctl -q is-active $unit 2>/dev/null; then
				quietly systemctl disable --now $unit || true
			fi
		done
	fi
	if has_package sysflow || has_package sysflow-dkms; then
		found=yes
		uninstall_packages
	fi
	if [ -f "$prefixes/share/sysflow/manifest" ]; then
		found=yes
		prefix=$prefixes
		uninstall_tarball
	fi
	uninstall_rest
	if [ -n "$found" ]; then
		say removed "everything$([ -n "$purge" ] || [ ! -d /var/lib/sysflow ] || echo ' but /var/lib/sysflow, which has what was recorded (--purge)')"
	else
		say removed "nothing was installed$([ -n "${prefix:-}" ] || echo ' (below another prefix? --prefix DIR)')"
	fi
}

uninstall_packages() {
	local package keep=1
	[ -z "$purge" ] || keep=
	for package in sysflow-dkms sysflow; do
		if has_package "$package"; then
			quietly env SYSFLOW_KEEP_DATA=$keep dpkg --force-remove-reinstreq --purge "$package" ||
				die "dpkg cannot remove $package: see above"
		fi
	done
}

uninstall_tarball() {
	local manifest=$prefix/share/sysflow/manifest folders=$prefix/share/sysflow/folders file
	cp "$manifest" "$work/manifest"
	while read -r file; do run rm -f "$file" "$file.sysflow-new"; done <"$work/manifest"
	# Folders that were made, the deepest first, if nothing else is in them.
	# The lists go last, so that what is cut off can be repeated.
	LC_ALL=C sort -ru "$folders" >"$work/folders" 2>/dev/null || true
	remove_folders
	run rm -f "$manifest" "$manifest.new" "$folders"
	remove_folders
}

remove_folders() {
	[ -z "$dry" ] || return 0
	while read -r file; do rmdir "$file" 2>/dev/null || true; done <"$work/folders"
}

# What no package and no manifest has: made while it ran.
uninstall_rest() {
	if [ -e /sys/module/sysflow ]; then
		quietly rmmod sysflow || die "the module is in use: end what records, and run this again"
	fi
	run rm -rf /etc/sysflow /var/cache/sysflow /run/sysflow
	if [ -n "$purge" ]; then
		run rm -rf /var/lib/sysflow /var/lib/sysflow-mok
	elif [ -d /var/lib/sysflow ]; then
		run chown -R root:root /var/lib/sysflow
	fi
	if getent passwd sysflow >/dev/null; then run userdel sysflow; fi
	if getent group sysflow >/dev/null; then run groupdel sysflow; fi
	if with_systemd; then
		run systemctl daemon-reload
		[ -n "$dry" ] || systemctl reset-failed sysflow.service sysflow-driver.service 2>/dev/null || true
	fi
	[ -n "$dry" ] || rm -f /run/lock/sysflow-install
}

next_steps() {
	local sysflow=sysflow
	have sysflow || sysflow=$(program)
	cat <<-NEXT
		Next:  sudo $sysflow top --from /var/lib/sysflow/       who moves how much, live
		       systemctl status sysflow                     events per second, losses
		       sudo $sysflow doctor                         explains anything that looks wrong
	NEXT
}

main "$@"
