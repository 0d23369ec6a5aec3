# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC3043 # local
# Part of install.sh: taking everything away again.

uninstall() {
	local found='' at
	at=$(prefix_of_unit)
	[ -f "$at/share/sysflow/manifest" ] || at=
	[ -z "$prefix" ] || [ -z "$at" ] || [ "$prefix" = "$at" ] ||
		die "it is installed below $at, and nothing was changed: use --prefix '$at'"
	prefix=${prefix:-${at:-/usr/local}}
	! module_is_taken ||
		die "the kernel module is in use, and not by the service: end what records (fuser /dev/sysflow), and run this again"
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
	if [ -f "$prefix/share/sysflow/manifest" ]; then
		found=yes
		uninstall_below_prefix
	fi
	uninstall_rest
	if [ -n "$dry" ]; then
		say dry-run "nothing was changed"
	elif [ -n "$found" ]; then
		say removed "everything$([ -n "$purge" ] || [ ! -d /var/lib/sysflow ] || echo ' but /var/lib/sysflow, which has what was recorded (--purge)')"
	else
		say removed "nothing was installed below $prefix or as packages (below another prefix? --prefix DIR)"
	fi
}

uninstall_packages() {
	local package
	# Debian's script takes away what was recorded, unless it is told.
	if [ -n "$purge" ]; then unset SYSFLOW_KEEP_DATA; else export SYSFLOW_KEEP_DATA=1; fi
	for package in sysflow-dkms sysflow; do
		if has_package $package; then
			dpkg_now --force-remove-reinstreq --purge $package || die "dpkg cannot remove $package: see above"
		fi
	done
}

uninstall_below_prefix() {
	local manifest=$prefix/share/sysflow/manifest folders=$prefix/share/sysflow/folders file
	cp "$manifest" "$work/manifest"
	while IFS= read -r file; do run rm -f "$file" "$file.sysflow-new" "$file.sysflow-old"; done <"$work/manifest"
	# Folders that were made, the deepest first, if nothing else is in them.
	# The lists go last, so that what is cut off can be repeated.
	sort -ru "$folders" >"$work/folders" 2>/dev/null || true
	remove_folders
	run rm -f "$manifest" "$manifest.sysflow-new" "$manifest.sysflow-old" "$folders"
	remove_folders
}

remove_folders() {
	[ -z "$dry" ] || return 0
	while IFS= read -r file; do rmdir "$file" 2>/dev/null || true; done <"$work/folders"
}

# What no package and no manifest has: made while it ran.
uninstall_rest() {
	if [ -e /sys/module/sysflow ]; then
		quietly rmmod sysflow || die "the module is in use: end what records (fuser /dev/sysflow), and run this again"
	fi
	run rm -rf /etc/sysflow /var/cache/sysflow /run/sysflow
	if [ -n "$purge" ]; then
		run rm -rf /var/lib/sysflow /var/lib/sysflow-mok
	elif [ -d /var/lib/sysflow ]; then
		run chown -R root:root /var/lib/sysflow
	fi
	remove_user
	if with_systemd; then
		run systemctl daemon-reload
		[ -n "$dry" ] || systemctl reset-failed sysflow.service sysflow-driver.service 2>/dev/null || true
	fi
	[ -n "$dry" ] || rm -f /run/sysflow-install.lock
}

# A person of that name is not ours to remove.
remove_user() {
	local id
	id=$(getent passwd sysflow | cut -d: -f3)
	[ "${id:-0}" -lt 1000 ] || return 0
	if [ -n "$id" ]; then run userdel sysflow; fi
	if getent group sysflow >/dev/null; then run groupdel sysflow; fi
}
