# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC3043 # local
# Part of install.sh: the bundle, and whether its program works here.

# Sets bundle to a folder whose checksums are right, new to the program in it
# and version to that program's.
open_bundle() {
	local here archive=''
	if [ -n "$from" ]; then
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
		unpack "$archive" "$work/bundle" || die "$archive: no bundle, or not all of it: get it again"
		bundle=$work/bundle
	fi
	[ -f "$bundle/SHA256SUMS" ] || die "$bundle: no bundle: it has no SHA256SUMS"
	(cd "$bundle" && sha256sum --quiet -c SHA256SUMS >/dev/null 2>&1) ||
		die "the bundle is damaged: its checksums differ; get it again"
	unpack "$bundle"/sysflow-*-x86_64.tar.gz "$work/new" || die "the bundle has no program for x86-64: get it again"
	new=$work/new/bin/sysflow
	version=$("$new" --version) ||
		die "the program of the bundle does not run in $work: set TMPDIR to a folder where programs may run"
	version=${version#* }
	say bundle "sysflow $version, checksums are right"
}

# unpack ARCHIVE FOLDER
unpack() {
	mkdir "$2" && tar -xzf "$1" -C "$2" --strip-components=1 --no-same-owner && return 0
	[ "$(df -Pk "$work" | awk 'END { print $4 }')" -ge 1024 ] ||
		die "${work%/*} is full: make room there, or set TMPDIR to another folder"
	return 1
}

# fetch URL FILE
fetch() {
	if have curl; then
		curl -fsSL --retry 3 --connect-timeout 20 --proto '=https,file' -o "$2" "$1" || die "cannot fetch $1"
	elif have wget; then
		wget -q -t 3 -T 20 -O "$2" "$1" || die "cannot fetch $1"
	else
		die "--from needs curl or wget"
	fi
}

# The new program is tried before anything changes: with the settings that are
# here, and by recording beside the old one, which eBPF can.
try_new() {
	if [ -r $settings ] && ! "$new" config check >"$work/log" 2>&1; then
		cat "$work/log" >&2
		die "the new version does not take these settings, and nothing was changed: correct them, and run this again"
	fi
	[ -n "$old" ] && [ -n "$selftest" ] && [ -z "$dry" ] && [ -z "$(ebpf_hindrance)" ] || return 0
	if ! "$new" selftest --driver ebpf >"$work/selftest" 2>&1; then
		cat "$work/selftest" >&2
		die "the new version does not record here, and nothing was changed: see above"
	fi
	say try "the new version records ($(words calls))"
}

# What the self-test said of a subject.
words() {
	sed -n "s/^$1 *//p" "$work/selftest"
}
