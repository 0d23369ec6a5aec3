# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC3043 # local
# Part of install.sh: below a prefix, where there are no packages.
#
# PREFIX/share/sysflow/manifest has every file. FILE.sysflow-new waits to become
# FILE; FILE.sysflow-old is what worked before, until the new version does.

tab=$(printf '\t')

# "SOURCE<tab>DEST<tab>MODE" of everything that the tarball brings, the program
# last.
prefix_files() {
	local file dest program
	(cd "$work/new" && find . -type f ! -path './bin/*' ! -path './lib/*' ! -path './etc/*' | sed 's|^\./||' | sort) |
		while IFS= read -r file; do printf '%s\t%s\t644\n' "$file" "$prefix/$file"; done
	if have systemctl; then
		# The units name the program where it is.
		program=$prefix/bin/sysflow
		case $program in *' '*) program="\"$program\"" ;; esac
		for file in "$work"/new/lib/systemd/system/*.service; do
			dest=${file##*/}
			[ "$dest" != sysflow-driver.service ] || [ $chosen = kmod ] || continue
			sed "s|/usr/bin/sysflow|$program|" "$file" >"$work/new/$dest"
			printf '%s\t%s\t644\n' "$dest" "/etc/systemd/system/$dest"
		done
		printf '%s\t%s\t644\n' lib/udev/rules.d/60-sysflow.rules /etc/udev/rules.d/60-sysflow.rules
	fi
	printf '%s\t%s\t755\n' bin/sysflow "$prefix/bin/sysflow"
}

# What is installed is written down before it is, so that an interrupted run
# leaves nothing that --uninstall does not know.
install_below_prefix() {
	local manifest=$prefix/share/sysflow/manifest from dest mode
	prefix_files >"$work/files"
	if [ -n "$dry" ]; then
		while IFS=$tab read -r from dest mode; do echo "  would write $dest"; done <"$work/files"
		return 0
	fi
	room "$prefix" $(($(du -sk "$work/new" | cut -f1) * 2))
	make_user
	make_folder "${manifest%/*}"
	[ ! -f "$work/folders" ] || cat "$work/folders" >>"$prefix/share/sysflow/folders"
	{ cut -f2 "$work/files" && echo "$prefix/bin/sysprint"; } | sort >"$work/now"
	[ ! -f "$manifest" ] || [ -f "$manifest.sysflow-old" ] || copy "$manifest" "$manifest.sysflow-old"
	sort -u "$work/now" "$([ -f "$manifest" ] && echo "$manifest" || echo /dev/null)" >"$work/all"
	copy "$work/all" "$manifest"
	stage
	while IFS=$tab read -r from dest mode; do
		keep_old "$dest"
		mv -f "$dest.sysflow-new" "$dest"
	done <"$work/files"
	ln -sfn sysflow "$prefix/bin/sysprint"
	# What only the older version had goes.
	comm -13 "$work/now" "$manifest" | while IFS= read -r dest; do drop "$dest"; done
	if [ ! -e $settings ]; then
		make_folder "${settings%/*}"
		copy "$work/new/etc/sysflow/sysflow.toml" $settings
	fi
	chgrp sysflow $settings
	chmod 640 $settings
	if selinux_enforces && have restorecon; then
		tr '\n' '\0' <"$work/now" | xargs -0 restorecon 2>/dev/null || true
	fi
	say installed "below $prefix"
}

# Puts every new file beside the old one: what can fail fails here, and then
# the older version is as it was.
stage() {
	local from dest mode failed
	while IFS=$tab read -r from dest mode; do
		if ! make_folder "${dest%/*}" || ! cp "$work/new/$from" "$dest.sysflow-new" || ! chmod "$mode" "$dest.sysflow-new"; then
			failed=$dest
			while IFS=$tab read -r from dest mode; do rm -f "$dest.sysflow-new"; done <"$work/files"
			no_room "$failed"
		fi
	done <"$work/files"
}

# copy SOURCE DEST: there is always an old file or the new one, whole.
copy() {
	if ! cp "$1" "$2.sysflow-new" || ! mv -f "$2.sysflow-new" "$2"; then
		rm -f "$2.sysflow-new"
		no_room "$2"
	fi
}

no_room() {
	die "cannot write $1: see above. The program is as it was; make room, and run this again"
}

# That of a run that was cut off is kept: it is what worked last.
keep_old() {
	if [ -f "$1" ] && [ ! -e "$1.sysflow-old" ]; then
		ln "$1" "$1.sysflow-old" 2>/dev/null || cp -p "$1" "$1.sysflow-old"
	fi
}

drop() {
	case $1 in
	/etc/systemd/system/*.service) ! with_systemd || quietly systemctl disable --now "${1##*/}" || true ;;
	esac
	keep_old "$1"
	rm -f "$1"
}

# The new version works: nothing of the older one is needed.
settle_below_prefix() {
	local manifest=$prefix/share/sysflow/manifest file
	while IFS= read -r file; do rm -f "$file.sysflow-old"; done <"$work/all"
	copy "$work/now" "$manifest"
	rm -f "$manifest.sysflow-old"
}

# The files of the older version, and no others.
roll_back_below_prefix() {
	local manifest=$prefix/share/sysflow/manifest file
	[ -f "$manifest.sysflow-old" ] || return 1
	while IFS= read -r file; do
		if [ -e "$file.sysflow-old" ]; then
			mv -f "$file.sysflow-old" "$file" || return 1
		elif ! grep -Fxq -e "$file" "$manifest.sysflow-old"; then
			rm -f "$file"
		fi
	done <"$work/all"
	mv -f "$manifest.sysflow-old" "$manifest"
}

# Each folder that is made is written down before, to be removed again.
make_folder() {
	local list=$prefix/share/sysflow/folders
	[ ! -d "$1" ] || return 0
	case ${1%/*} in '') ;; *) make_folder "${1%/*}" || return ;; esac
	[ -d "${list%/*}" ] || list=$work/folders
	echo "$1" >>"$list" && mkdir "$1"
}

make_user() {
	getent passwd sysflow >/dev/null && return 0
	getent group sysflow >/dev/null || groupadd --system sysflow
	useradd --system --gid sysflow --no-create-home --home-dir /var/lib/sysflow \
		--shell "$(command -v nologin || echo /bin/false)" --comment 'SysFlow recorder' sysflow
}
