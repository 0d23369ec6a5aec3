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
		  --driver DRIVER    auto: the kernel module where it can be built and
		                     loaded, else eBPF; kmod; ebpf. Written into the settings;
		                     without it what they say, auto at first
		  --prefix DIR       install below DIR, also where there are packages
		                     (default there /usr, elsewhere /usr/local)
		  --no-service       do not start the recorder, nor at boot
		  --no-self-test     do not record known calls to see that it works
		  --dry-run          say what would be done, change nothing
		  --uninstall        remove everything but what was recorded
		  --purge            with --uninstall: that too
		  -h, --help
		Safe to repeat, also after it was cut off. Keeps the settings of an older
		version, tries the new program before that one goes, and brings that one back
		when the new one does not work. As root.
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
	offline='' from='' asked='' prefix='' service=yes selftest=yes dry='' action=install purge=''
	while [ $# -gt 0 ]; do
		case $1 in
		--offline | --from | --driver | --prefix)
			[ -n "${2:-}" ] || wrong "$1 needs a value"
			case $1 in
			--offline) offline=$2 ;;
			--from) from=$2 ;;
			--driver) asked=$2 ;;
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
	look_at_options
	[ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || die "this needs root: run it with sudo (--dry-run does not)"
	# What other programs say is read; and users read what is installed.
	export LC_ALL=C
	umask 022
	PATH=$PATH:/usr/sbin:/sbin
	one_at_a_time
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/sysflow-install.XXXXXX") ||
		die "cannot make a folder in ${TMPDIR:-/var/tmp}: make room there, or set TMPDIR to another one"
	trap 'leave' EXIT
	trap 'exit 1' HUP INT TERM
	if [ $action = uninstall ]; then
		uninstall
	else
		install_all
	fi
}

look_at_options() {
	case $asked in '' | auto | kmod | ebpf) ;; *) wrong "no driver $asked: auto, kmod or ebpf" ;; esac
	case $prefix in
	'' | /?*) ;;
	*) wrong "--prefix needs a folder below /, by a path that begins with /" ;;
	esac
	# It becomes part of systemd's units.
	case $prefix in
	*[!A-Za-z0-9/\ ._+@,:~-]*) wrong "--prefix takes letters, digits, spaces and ._+@,:~-" ;;
	esac
	prefix=${prefix%/}
	[ -z "$purge" ] || [ $action = uninstall ] || wrong "--purge goes with --uninstall"
	[ -z "$from" ] || [ -z "$offline" ] || wrong "--offline and --from exclude each other"
	case $from in '' | https://* | file:///*) ;; *) wrong "--from needs a URL that begins with https://" ;; esac
}

leave() {
	# The old recorder may start again, whatever came.
	[ -z "${masked:-}" ] || systemctl -q unmask --runtime sysflow.service 2>/dev/null || true
	rm -rf "$work"
}

one_at_a_time() {
	[ -z "$dry" ] && have flock || return 0
	exec 9>/run/sysflow-install.lock
	flock -w 5 9 || die "another install.sh runs: wait until it has ended"
	# Of one that was cut off.
	for left in "${TMPDIR:-/var/tmp}"/sysflow-install.??????; do
		[ -d "$left" ] || continue
		cut_off=yes
		rm -rf "$left"
	done
}

install_all() {
	look_at_host
	open_bundle
	look_at_old
	choose_driver
	try_new
	if [ $how = packages ]; then
		install_packages
	else
		install_below_prefix
	fi
	choose_in_settings
	if ! start_and_test; then
		roll_back
	fi
	settle
	next_steps
}

next_steps() {
	local sysflow=sysflow
	[ -z "$dry" ] || { say dry-run "nothing was changed" && return 0; }
	have sysflow || sysflow=$(program)
	echo "Next:  sudo $sysflow top --from /var/lib/sysflow/       who moves how much, live"
	! with_systemd || echo "       systemctl status sysflow                     events per second, losses"
	echo "       sudo $sysflow doctor                         explains anything that looks wrong"
}

# Its parts. In a bundle they stand here: scripts/package.sh puts them in.
parts=$(dirname "$0")/install
# shellcheck source=install/host.sh
. "$parts/host.sh"
# shellcheck source=install/driver.sh
. "$parts/driver.sh"
# shellcheck source=install/bundle.sh
. "$parts/bundle.sh"
# shellcheck source=install/packages.sh
. "$parts/packages.sh"
# shellcheck source=install/prefix.sh
. "$parts/prefix.sh"
# shellcheck source=install/service.sh
. "$parts/service.sh"
# shellcheck source=install/back.sh
. "$parts/back.sh"
# shellcheck source=install/remove.sh
. "$parts/remove.sh"
# End of the parts.

main "$@"
