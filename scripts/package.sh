#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes what users install: a static program, Debian packages, a tarball, and
# the bundle that installs without a network.
set -euo pipefail
# shellcheck source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"
# shellcheck source=package/tree.sh
. "$ROOT/scripts/package/tree.sh"
# shellcheck source=package/deb.sh
. "$ROOT/scripts/package/deb.sh"

usage() {
	cat <<-USAGE
		usage: package.sh [--out DIR] [--revision R] [--program FILE] [--verify | --verify-program]
		  --out DIR         where to (default \$SYSFLOW_CACHE/dist); it is made anew
		  --revision R      of the Debian packages (default 1)
		  --program FILE    package this program and its eBPF object FILE.bpf.o,
		                    rather than build them
		  --verify          package twice and compare every byte; the program is
		                    built once
		  --verify-program  build the program twice, in two folders, and compare;
		                    takes long
		Makes, for x86-64:
		  sysflow-VERSION-x86_64.tar.gz         below a prefix
		  sysflow_VERSION-R_amd64.deb
		  sysflow-dkms_VERSION-R_all.deb
		  sysflow-VERSION-x86_64.bundle.tar.gz  all of it, for scripts/install.sh
		  sysflow.cdx.json                      what it consists of (CycloneDX)
		  SHA256SUMS
		SYSFLOW_MAINTAINER='NAME <ADDRESS>' answers for the packages: set it to give
		them to others. The same commit, tools and maintainer give the same bytes.
		Exit status: 1 they differ, 2 wrong usage or a missing tool.
	USAGE
}

DIST=$CACHE/dist revision=1 program='' mode=make
while [ $# -gt 0 ]; do
	case $1 in
	--out) DIST=$(realpath -m "${2:?}") && shift ;;
	--revision) revision=${2:?} && shift ;;
	--program) program=$(realpath "${2:?}") && shift ;;
	--verify) mode=verify ;;
	--verify-program) mode=verify-program ;;
	-h | --help) usage && exit ;;
	*) usage >&2 && die "unknown argument $1" ;;
	esac
	shift
done

TARGET=x86_64-unknown-linux-gnu
VERSION=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")
DEBIAN_VERSION=$VERSION-$revision
NAME=sysflow-$VERSION-x86_64
WORK=$CACHE/package
umask 022
# Where there is no git, the time is the caller's to say.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
	SOURCE_DATE_EPOCH=$(git -C "$ROOT" log -1 --format=%ct 2>/dev/null) ||
		die "no commit to take the time of: set SOURCE_DATE_EPOCH"
fi
export SOURCE_DATE_EPOCH

# build_program SOURCES FOLDER: the static program, and its eBPF object beside it.
# The paths of this machine do not get into it.
build_program() {
	local root=$1 target=$2 archives=$2/archives cargo=${CARGO_HOME:-$HOME/.cargo} maps dir object
	mkdir -p "$archives"
	# Make, which builds libbpf, knows no other paths.
	case $root$target in
	*[[:space:]]*) die "$root, $target: the program cannot be built where a path has a space" ;;
	esac
	# Only the archives are found there, so the linker takes them.
	ln -sf "$(archive_of elf)" "$archives/libelf.a"
	ln -sf "$(archive_of z)" "$archives/libz.a"
	# Of several that match the last one counts. Crates are in a folder that has
	# the name of the registry, or of its mirror.
	cargo fetch --locked --target "$TARGET" --manifest-path "$root/Cargo.toml" >&2
	maps=("$root=." "$target=target" "$cargo=/cargo")
	for dir in "$cargo"/registry/src/*; do
		[ ! -d "$dir" ] || maps+=("$dir=/cargo/crates")
	done
	rustc_wrapper "$archives" "${maps[@]}" >"$target/rustc"
	chmod +x "$target/rustc"
	(
		# From there, for cargo looks for its settings where it is.
		cd "$root"
		env CARGO_TARGET_DIR="$target" RUSTC_WRAPPER="$target/rustc" \
			RUSTFLAGS="-C target-feature=+crt-static" CFLAGS="${maps[*]/#/-ffile-prefix-map=}" \
			cargo build --locked --release --target "$TARGET" -p engine --bin sysflow >&2
	)
	strip --strip-all --remove-section=.comment -o "$target/sysflow" "$target/$TARGET/release/sysflow"
	object=$(find "$target/$TARGET/release/build" -path '*/probe-loader-*/out/sysflow.bpf.o' -printf '%T@ %p\n' |
		sort -n | tail -1 | cut -d' ' -f2-)
	cp "$object" "$target/sysflow.bpf.o"
}

# rustc_wrapper ARCHIVES MAP...: a program that cargo calls instead of rustc.
# In RUSTFLAGS these paths would get into the names of cargo's folders, and
# those into the program.
rustc_wrapper() {
	local archives=$1
	shift
	printf '#!/bin/sh\nexec "$@"'
	printf ' %q' -L "native=$archives" "${@/#/--remap-path-prefix=}"
	echo
}

archive_of() {
	local file
	file=$(gcc -print-file-name="lib$1.a")
	[ -f "$file" ] || die "lib$1.a is missing: apt-get install libelf-dev zlib1g-dev"
	echo "$file"
}

# make_all DIR: everything into $DIR, laid out in a folder of its own.
make_all() {
	local DIST=$1 lay licence
	rm -rf "$DIST"
	mkdir -p "$DIST"
	lay=$(mktemp -d "$WORK/lay.XXXXXX")
	python3 "$ROOT/scripts/package/parts.py" sbom "$ROOT" "$VERSION" "$SOURCE_DATE_EPOCH" >"$DIST/sysflow.cdx.json"
	python3 "$ROOT/scripts/package/parts.py" copyright "$ROOT" "$VERSION" "$SOURCE_DATE_EPOCH" >"$lay/copyright"

	# The tarball: all of it below one prefix, the settings too.
	lay_program "$lay/$NAME" "$program"
	lay_units "$lay/$NAME/lib"
	put 644 "$ROOT/scripts/systemd/sysflow-driver.service" "$lay/$NAME/lib/systemd/system/sysflow-driver.service"
	put 644 "$ROOT/scripts/systemd/sysflow.sysusers" "$lay/$NAME/lib/sysusers.d/sysflow.conf"
	put 644 "$ROOT/scripts/package/sysflow.toml" "$lay/$NAME/etc/sysflow/sysflow.toml"
	put 644 "$lay/copyright" "$lay/$NAME/share/doc/sysflow/copyright"
	# Debian has the texts of licences elsewhere.
	put 644 "$ROOT/LICENSE" "$lay/$NAME/share/doc/sysflow/LICENSE"
	for licence in GPL-2.0 MIT; do
		put 644 "$ROOT/driver/LICENSES/$licence" "$lay/$NAME/share/doc/sysflow/LICENSE.driver.$licence"
	done
	lay_driver "$lay/$NAME/src/sysflow-$VERSION"
	pack "$DIST/$NAME.tar.gz" "$lay" "$NAME"

	lay_program "$lay/sysflow/usr" "$program"
	lay_units "$lay/sysflow/lib"
	put 644 "$ROOT/scripts/systemd/sysflow.sysusers" "$lay/sysflow/usr/lib/sysusers.d/sysflow.conf"
	put 644 "$ROOT/scripts/package/sysflow.toml" "$lay/sysflow/etc/sysflow/sysflow.toml"
	put 644 "$lay/copyright" "$lay/sysflow/usr/share/doc/sysflow/copyright"
	make_deb sysflow amd64 "$lay/sysflow"

	lay_driver "$lay/sysflow-dkms/usr/src/sysflow-$VERSION"
	put 644 "$ROOT/scripts/systemd/sysflow-driver.service" "$lay/sysflow-dkms/lib/systemd/system/sysflow-driver.service"
	put 644 "$lay/copyright" "$lay/sysflow-dkms/usr/share/doc/sysflow-dkms/copyright"
	make_deb sysflow-dkms all "$lay/sysflow-dkms"

	make_bundle "$lay/$NAME.bundle"
	# What it holds is compressed already.
	pack "$DIST/$NAME.bundle.tar.gz" "$lay" "$NAME.bundle" 1
	(cd "$DIST" && sha256sum -- * >SHA256SUMS)
	rm -rf "$lay"
}

# What install.sh needs, with checksums that it looks at.
make_bundle() {
	local file
	mkdir -p "$1"
	cp "$DIST"/* "$1/"
	put 644 "$object" "$1/sysflow.bpf.o"
	one_installer >"$1/install.sh"
	chmod 755 "$1/install.sh"
	put 644 "$ROOT/docs/install.md" "$1/install.md"
	(cd "$1" && LC_ALL=C && sha256sum -- * >SHA256SUMS)
	for file in "$1"/*; do
		[ -x "$file" ] || chmod 644 "$file"
	done
}

# install.sh as one file, with its parts where it would source them: so it can
# be handed on by itself.
one_installer() {
	awk -v parts="$ROOT/scripts/install/" '
		/^# Its parts\./ { skip = 1 }
		/^# End of the parts\./ { skip = 0; next }
		skip && match($0, /[a-z]*\.sh"$/) {
			file = parts substr($0, RSTART, RLENGTH - 1)
			while ((status = (getline line < file)) > 0) if (line !~ /^# (SPDX-|shellcheck shell)/) print line
			if (status < 0) { print file ": cannot be read" >"/dev/stderr"; exit 1 }
			print ""
		}
		!skip' "$ROOT/scripts/install.sh"
}

# same WHAT DIR DIR
same() {
	if ! diff -r "$2" "$3"; then
		echo "package.sh: $1 differ" >&2
		exit 1
	fi
	echo "the same bytes: $1"
}

# Built again of a copy, in another folder: nothing of where and when it was
# built may be in it.
verify_program() {
	local again=$WORK/again/of/a/copy file
	build_program "$ROOT" "$WORK/target"
	rm -rf "$WORK/again"
	mkdir -p "$again"
	(cd "$ROOT" && project_files | tar -cf - -T -) | tar -xmf - -C "$again"
	build_program "$again" "$WORK/again/target"
	for file in sysflow sysflow.bpf.o; do
		cmp "$WORK/target/$file" "$WORK/again/target/$file" || exit 1
		if grep -aoF -m 1 -e "$WORK" -e "$ROOT/" -e "$HOME/" "$WORK/target/$file"; then
			echo "package.sh: $file has a path of this machine" >&2
			exit 1
		fi
	done
	rm -rf "$WORK/again"
	echo "the same bytes: the program, built twice"
}

# The project's own files, also where there is no git.
project_files() {
	git ls-files --cached --others --exclude-standard 2>/dev/null | while read -r file; do
		# One that was removed is still in its index.
		[ ! -f "$file" ] || echo "$file"
	done | grep . ||
		find . \( -name target -o -name build -o -name .git \) -prune -o -type f -print
}

need dpkg-deb dpkg
need python3 python3
need strip binutils
mkdir -p "$WORK"
check_maintainer
if [ "$mode" = verify-program ]; then
	verify_program
	exit
fi
if [ -z "$program" ]; then
	build_program "$ROOT" "$WORK/target"
	program=$WORK/target/sysflow object=$WORK/target/sysflow.bpf.o
else
	object=$program.bpf.o
fi
[ -f "$object" ] || die "$object: no such file"
make_all "$DIST"
if [ "$mode" = verify ]; then
	make_all "$WORK/again"
	same "$(find "$DIST" -type f | wc -l) files, packaged twice from one program" "$DIST" "$WORK/again"
	rm -rf "$WORK/again"
else
	(cd "$DIST" && ls -sh1 | sed 1d)
	echo "in $DIST"
fi
