# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced after tree.sh: Debian packages, by dpkg-deb.

# Debian's policy (5.6.2) asks for a name and an address. Whoever gives packages
# to others has one; else it is in .invalid, which is nobody's (RFC 2606).
MAINTAINER=${SYSFLOW_MAINTAINER:-SysFlow developers <packages@sysflow.invalid>}

check_maintainer() {
	[[ $MAINTAINER =~ ^[^\<\>,[:cntrl:]]+\ \<[^@\<\>[:space:]]+@[^@\<\>[:space:]]+\.[^@\<\>[:space:]]+\>$ ]] ||
		die "SYSFLOW_MAINTAINER is '$MAINTAINER', and not like 'A Name <name@a.domain>'"
	[ -n "${SYSFLOW_MAINTAINER:-}" ] ||
		note "the packages name a maintainer whom nobody reaches: set SYSFLOW_MAINTAINER to give them to others"
}

# control PACKAGE ARCHITECTURE SIZE: the control file.
control() {
	printf '%s\n' "Package: $1" "Version: $DEBIAN_VERSION" "Architecture: $2" \
		"Maintainer: $MAINTAINER" "Installed-Size: $3" "Priority: optional"
	case $1 in
	sysflow)
		cat <<-CONTROL
			Section: admin
			Depends: passwd
			Pre-Depends: init-system-helpers (>= 1.54~)
			Recommends: systemd
			Suggests: sysflow-dkms (= $DEBIAN_VERSION)
			Description: record processes, files and connections as flows
			 SysFlow is a compact record of what a system did: which process read and
			 wrote which file, talked to which address, started which program, and how
			 much. This package has the program that records, prints, compares and
			 converts it, and the recorder as a hardened service.
			 .
			 It records with eBPF, or with the kernel module of sysflow-dkms.
		CONTROL
		;;
	sysflow-dkms)
		cat <<-CONTROL
			Section: kernel
			Depends: sysflow (= $DEBIAN_VERSION), dkms, gcc, make
			Pre-Depends: init-system-helpers (>= 1.54~)
			Recommends: linux-headers-amd64 | linux-headers-generic
			Description: kernel module of the SysFlow recorder (DKMS)
			 The sources of the module that tells the SysFlow recorder of system calls.
			 DKMS builds it for each kernel that has headers. It costs less per call
			 than eBPF, and works on kernels without type information.
		CONTROL
		;;
	esac
}

# Debian's changelog says when and of what this was made.
debian_changelog() {
	cat <<-LOG
		sysflow ($DEBIAN_VERSION) unstable; urgency=medium

		  * Made of the project's sources; changelog.gz tells what changed.

		 -- $MAINTAINER  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
	LOG
}

# scripts PACKAGE DIR: maintainer scripts, with the version in its place.
maintainer_scripts() {
	local script
	for script in postinst prerm postrm; do
		sed "s/@VERSION@/$VERSION/" "$ROOT/scripts/package/debian/$1.$script" >"$2/$script"
		chmod 755 "$2/$script"
	done
}

# make_deb PACKAGE ARCHITECTURE DIR: into $DIST, of what is laid out in DIR.
make_deb() {
	local package=$1 arch=$2 dir=$3 doc=$3/usr/share/doc/$1
	mkdir -p "$doc" "$dir/DEBIAN"
	debian_changelog | gzip -9n >"$doc/changelog.Debian.gz"
	gzip -9n <"$ROOT/CHANGELOG.md" >"$doc/changelog.gz"
	if [ -f "$ROOT/scripts/package/debian/$package.lintian" ]; then
		put 644 "$ROOT/scripts/package/debian/$package.lintian" "$dir/usr/share/lintian/overrides/$package"
	fi
	find "$dir" -type d -exec chmod 755 {} +
	control "$package" "$arch" "$(installed_size "$dir")" >"$dir/DEBIAN/control"
	if [ -d "$dir/etc" ]; then
		(cd "$dir" && find etc -type f -printf '/%p\n' | LC_ALL=C sort) >"$dir/DEBIAN/conffiles"
	fi
	(cd "$dir" && find . -path ./DEBIAN -prune -o -type f ! -path './etc/*' -printf '%P\0' |
		LC_ALL=C sort -z | xargs -0 md5sum) >"$dir/DEBIAN/md5sums"
	maintainer_scripts "$package" "$dir/DEBIAN"
	same_times "$dir"
	dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$dir" \
		"$DIST/${package}_${DEBIAN_VERSION}_$arch.deb" >/dev/null
}

# KiB as dpkg-gencontrol counts them, whatever the file system: files rounded
# up, one for anything else.
installed_size() {
	find "$1" -path "$1/DEBIAN" -prune -o \( -type f -printf '%s\n' , ! -type f -printf '1\n' \) |
		awk '{ n += int(($1 + 1023) / 1024) } END { print n }'
}
