# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced: what is installed, laid out below a folder.

# put MODE SOURCE DEST
put() {
	mkdir -p "$(dirname "$3")"
	install -m "$1" "$2" "$3"
}

# Compressed without a name and a time.
put_compressed() {
	mkdir -p "$(dirname "$2")"
	gzip -9n <"$1" >"$2"
	chmod 644 "$2"
}

# lay_driver DIR: the driver's sources as one package, the way that DKMS and
# `sysflow probe load` build them.
lay_driver() {
	local dir=$1 file
	for file in "$ROOT"/driver/kmod/{*.c,*.h,Kbuild,Makefile,dkms.conf}; do
		# Kbuild makes these beside the sources.
		case ${file##*/} in probed.h | *.mod.c) continue ;; esac
		put 644 "$file" "$dir/${file##*/}"
	done
	for file in "$ROOT"/driver/kmod/compat/*.c; do
		put 644 "$file" "$dir/compat/${file##*/}"
	done
	for file in "$ROOT"/driver/include/sysflow/*.h; do
		put 644 "$file" "$dir/include/sysflow/${file##*/}"
	done
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$VERSION\"/" "$dir/dkms.conf"
}

# lay_program DIR PROGRAM: the program and what it says of itself, below a
# prefix such as usr.
lay_program() {
	local dir=$1 program=$2 page made
	put 755 "$program" "$dir/bin/sysflow"
	ln -s sysflow "$dir/bin/sysprint"
	made=$(mktemp -d)
	"$program" generate "$made"
	for page in "$made"/man/*.1; do
		put_compressed "$page" "$dir/share/man/man1/${page##*/}.gz"
	done
	for page in sysflow sysprint; do
		put 644 "$made/completions/$page.bash" "$dir/share/bash-completion/completions/$page"
		put 644 "$made/completions/_$page" "$dir/share/zsh/vendor-completions/_$page"
		put 644 "$made/completions/$page.fish" "$dir/share/fish/vendor_completions.d/$page.fish"
	done
	rm -rf "$made"
	for page in "$ROOT"/docs/*.md; do
		put 644 "$page" "$dir/share/doc/sysflow/${page##*/}"
	done
}

# lay_units DIR: units and rules, below lib.
lay_units() {
	put 644 "$ROOT/scripts/systemd/sysflow.service" "$1/systemd/system/sysflow.service"
	put 644 "$ROOT/scripts/systemd/60-sysflow.rules" "$1/udev/rules.d/60-sysflow.rules"
}

# same_times DIR: every file has the time of the sources.
same_times() {
	find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# pack OUT FOLDER NAME [LEVEL]: a tar of FOLDER/NAME that depends on nothing but
# its files.
pack() {
	same_times "$2/$3"
	tar -C "$2" --sort=name --owner=0 --group=0 --numeric-owner --format=gnu \
		--mtime="@$SOURCE_DATE_EPOCH" -cf - "$3" | gzip "-${4:-6}n" >"$1"
}
