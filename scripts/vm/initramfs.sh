# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced: the guest's only file system, busybox and what a test needs.

# add_file DIR SRC DEST: copies a program with the libraries that it loads, or
# any other file or folder.
add_file() {
	local dir=$1 src=$2 dest=$3 lib
	[ -e "$src" ] || die "$src: no such file"
	mkdir -p "$dir/$(dirname "$dest")"
	cp -rL "$src" "$dir/$dest"
	[ -f "$src" ] && head -c4 "$src" | grep -q ELF || return 0
	# Debug information would fill the guest's memory. Symbols stay.
	strip -g "$dir/$dest"
	# Nothing for a static program or a module.
	{ ldd "$src" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r lib; do
		[ -e "$dir$lib" ] && continue
		mkdir -p "$dir$(dirname "$lib")"
		cp -L "$lib" "$dir$lib"
	done
}

# One word for the guest's shell.
shell_quote() {
	printf "'%s' " "$(printf %s "$1" | sed "s/'/'\\\\''/g")"
}

# initramfs OUT MODULES FILES COMMAND: three arrays by name. A file is
# SRC:DEST.
initramfs() {
	local out=$1 dir f
	local -n mods=$2 copies=$3 words=$4
	dir=$(mktemp -d)
	mkdir -p "$dir"/{bin,dev,etc,proc,sys,tmp,root,modules}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	for f in $("$dir/bin/busybox" --list); do
		[ "$f" = busybox ] || ln -s busybox "$dir/bin/$f"
	done
	chmod 755 "$dir"
	echo root:x:0:0:root:/root:/bin/sh >"$dir/etc/passwd"
	cp "$ROOT/scripts/vm/guest-init" "$dir/init"
	chmod +x "$dir/init"
	for f in "${mods[@]}"; do
		cp "$f" "$dir/modules/"
		strip -g "$dir/modules/$(basename "$f")"
		basename "$f" >>"$dir/modules/order"
	done
	for f in "${copies[@]}"; do
		add_file "$dir" "${f%%:*}" "${f#*:}"
	done
	for f in "${words[@]}"; do
		shell_quote "$f"
	done >"$dir/command"
	(cd "$dir" && find . | cpio -o -H newc --quiet | gzip -1) >"$out"
	rm -rf "$dir"
}
