# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced: Debian kernels, fetched and unpacked, never installed.
#
#	kernel_release 6.1	-> 6.1.0-56-amd64
#	kernel_release trixie	-> the newest of that suite
#	kernel_image RELEASE	-> path of its vmlinuz
#	kernel_headers RELEASE	-> path of a tree that modules build against

# The Debian suite that has a kernel, when the machine's own has not.
kernel_suite() {
	case $1 in
	bullseye | 5.10*) echo bullseye ;;
	bookworm | 6.1 | 6.1.*) echo bookworm ;;
	bookworm-backports | *+deb12-*) echo bookworm-backports ;;
	trixie | 6.12*) echo trixie ;;
	*) echo sid ;;
	esac
}

# The archive that the machine's apt uses for its main suite.
apt_archive() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(SITE) $(COMPONENT) $(RELEASE)' \
		'Created-By: Packages' 2>/dev/null |
		awk '$2 == "main" && $1 !~ /security/ { print $1; exit }'
}

# apt for another suite: its own sources, lists and cache, so that the
# machine's apt does not learn of it.
private_apt() {
	local suite=$1 dir=$CACHE/vm/apt/$1 site
	[ -f "$dir/apt.conf" ] && return
	site=$(apt_archive)
	[ -n "$site" ] || die "no Debian archive in this machine's apt sources"
	mkdir -p "$dir"/{lists/partial,cache/archives/partial,parts,state}
	: >"$dir/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"$site $suite main" >"$dir/sources.list"
	cat >"$dir/apt.conf.new" <<-CONF
		Dir::Etc::SourceList "$dir/sources.list";
		Dir::Etc::SourceParts "$dir/parts";
		Dir::State "$dir/state";
		Dir::State::Lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Acquire::Languages "none";
		APT::Sandbox::User "root";
	CONF
	APT_CONFIG=$dir/apt.conf.new apt-get -qq update >&2 ||
		die "cannot read the package lists of $suite from $site"
	mv "$dir/apt.conf.new" "$dir/apt.conf"
}

# Runs apt-cache or apt-get with the machine's lists, or a suite's.
apt_with() {
	local suite=$1
	shift
	if [ -n "$suite" ]; then
		APT_CONFIG=$CACHE/vm/apt/$suite/apt.conf "$@"
	else
		"$@"
	fi
}

# newest_headers PREFIX SUITE: the newest release that begins so. Names with
# fewer numbers are of packages that only depend on others.
newest_headers() {
	apt_with "$2" apt-cache --names-only search \
		"^linux-headers-$1[0-9.+a-z~-]*-amd64$" |
		awk '{ print $1 }' | grep -Ev -- '-(cloud|rt)-' |
		sed 's/^linux-headers-//' | sort -V | tail -1
}

# The release of a series such as 6.1. One whose headers are installed is
# taken first, then the newest that is known.
kernel_release() {
	local series=$1 release
	case $series in
	*-amd64) echo "$series" && return ;;
	[a-z]*)
		private_apt "$(kernel_suite "$series")"
		release=$(newest_headers '[0-9]+[.][0-9]+[.]' "$series")
		[ -n "$release" ] || die "Debian's suite $series has no kernel for amd64"
		echo "$release" && return
		;;
	esac
	release=$(for d in /usr/src/linux-headers-"$series".*-amd64; do
		[ -f "$d/.config" ] && basename "$d"
	done | sed 's/^linux-headers-//' | sort -V | tail -1)
	if [ -z "$release" ]; then
		release=$(newest_headers "$series." "")
	fi
	if [ -z "$release" ]; then
		private_apt "$(kernel_suite "$series")"
		release=$(newest_headers "$series." "$(kernel_suite "$series")")
	fi
	[ -n "$release" ] || die "Debian has no kernel $series for amd64"
	echo "$release"
}

# Whether there is a package of exactly this name: apt takes a name that it
# does not know for a pattern.
has_package() {
	apt_with "$2" apt-cache show "$1" 2>/dev/null | grep -Fxc "Package: $1" >/dev/null
}

# fetch_deb PACKAGE SERIES TREE: unpacks a package into TREE once.
fetch_deb() {
	local package=$1 series=$2 tree=$3 suite=
	[ -f "$tree/.have-$package" ] && return
	if ! has_package "$package" ""; then
		suite=$(kernel_suite "$series")
		private_apt "$suite"
		has_package "$package" "$suite" || return 1
	fi
	mkdir -p "$tree" "$CACHE/vm/debs"
	note "fetching $package"
	(cd "$CACHE/vm/debs" && rm -f "${package}"_*.deb &&
		apt_with "$suite" apt-get -qq -o APT::Sandbox::User=root \
			download "$package" >&2) || die "cannot download $package"
	dpkg -x "$CACHE/vm/debs/${package}"_*.deb "$tree" ||
		die "cannot unpack $package"
	rm -f "$CACHE/vm/debs/${package}"_*.deb
	touch "$tree/.have-$package"
}

# The image in an unpacked package: where it lies has changed.
find_image() {
	local at
	for at in "$1/boot/vmlinuz-$2" "$1/usr/lib/modules/$2/vmlinuz"; do
		[ -f "$at" ] && echo "$at" && return
	done
	return 1
}

kernel_image() {
	local release=$1 tree=$CACHE/vm/kernels/$1
	find_image "$tree" "$release" && return
	# linux-binary from 7.x on. Unsigned: the signed image is the same
	# kernel in a package that comes into the archive later.
	fetch_deb "linux-binary-$release" "$release" "$tree" ||
		fetch_deb "linux-image-$release-unsigned" "$release" "$tree" ||
		fetch_deb "linux-image-$release" "$release" "$tree" ||
		die "Debian has no image of kernel $release"
	find_image "$tree" "$release" ||
		die "the package of kernel $release has no vmlinuz"
}

# The headers' Makefiles name their other parts by absolute paths.
relocate_headers() {
	local tree=$1 file
	grep -rlE --include=Makefile '/usr/(src|lib)/linux-' "$tree/usr/src" |
		while read -r file; do
			sed -i -E "s#([ =])/usr/(src|lib)/linux-#\1$tree/usr/\2/linux-#g" "$file"
		done
	find "$tree/usr/src" -maxdepth 2 -type l | while read -r file; do
		case $(readlink "$file") in
		/usr/*) ln -sfn "$tree$(readlink "$file")" "$file" ;;
		esac
	done
}

# The tools of a newer suite's headers want its C library: they are run with
# it, by a wrapper in their place. (What lacks another library only signs.)
wrap_tools() {
	local tree=$1 series=$2 suite libs=$1/libs tool
	find "$tree/usr" -type f -perm /111 -size +8k ! -name "*.wrapped" | while read -r tool; do
		ldd "$tool" 2>&1 | grep "version .* not found" >/dev/null || continue
		if [ ! -d "$libs" ]; then
			suite=$(kernel_suite "$series")
			private_apt "$suite"
			for package in libc6 libelf1t64 zlib1g libzstd1; do
				(mkdir -p "$libs" && cd "$libs" &&
					apt_with "$suite" apt-get -qq download "$package" >&2 </dev/null &&
					dpkg -x "$package"_*.deb . && rm -f "$package"_*.deb) ||
					die "cannot fetch $package of $suite"
			done
		fi
		mv "$tool" "$tool.wrapped"
		cat >"$tool" <<-WRAPPER
			#!/bin/sh
			lib=$libs/usr/lib/x86_64-linux-gnu
			exec "\$lib/ld-linux-x86-64.so.2" --library-path "\$lib" "$tool.wrapped" "\$@"
		WRAPPER
		chmod +x "$tool"
	done
}

kernel_headers() {
	local release=$1 tree=$CACHE/vm/kernels/$1 dep
	if [ -f "/usr/src/linux-headers-$release/.config" ]; then
		echo "/usr/src/linux-headers-$release"
		return
	fi
	if [ ! -f "$tree/.headers" ]; then
		fetch_deb "linux-headers-$release" "$release" "$tree" ||
			die "Debian has no headers of kernel $release"
		for dep in "linux-headers-${release%-amd64}-common" \
			"linux-kbuild-${release%-amd64}" \
			"linux-kbuild-$(echo "$release" | cut -d. -f1,2)"; do
			fetch_deb "$dep" "$release" "$tree" || true
		done
		relocate_headers "$tree"
		wrap_tools "$tree" "$release"
		touch "$tree/.headers"
	fi
	echo "$tree/usr/src/linux-headers-$release"
}
