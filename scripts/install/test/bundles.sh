# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by install-test.sh and box-test.sh: bundles whose program is a script that answers as it is told.

# pretend_bundle BUNDLE FOLDER REVISION WRONG: of the unpacked BUNDLE. WRONG is what the program does not do:
# nothing, selftest, installed (a self-test where it is installed) or record.
pretend_bundle() {
	local real=$1 dir=$2 revision=$3 wrong=$4 lay name version deb
	lay=$(mktemp -d)
	mkdir -p "$dir"
	cp "$real"/*.deb "$real/install.sh" "$dir/"
	tar -xzf "$real"/sysflow-*-x86_64.tar.gz -C "$lay"
	name=$(ls "$lay") version=$(echo "${name%-x86_64}" | cut -d- -f2)
	pretend "$version-$revision" "$wrong" >"$lay/$name/bin/sysflow"
	echo "of $revision" >"$lay/$name/share/doc/sysflow/only-of-$revision"
	tar -C "$lay" -czf "$dir/$name.tar.gz" "$name"
	deb=$(echo "$dir"/sysflow_*.deb)
	dpkg-deb -R "$deb" "$lay/deb"
	rm "$deb"
	cp "$lay/$name/bin/sysflow" "$lay/deb/usr/bin/sysflow"
	sed -i "s/^Version: .*/Version: $version-$revision/" "$lay/deb/DEBIAN/control"
	(cd "$lay/deb" && md5sum usr/bin/sysflow && sed '/ usr\/bin\/sysflow$/d' DEBIAN/md5sums) >"$lay/sums"
	cp "$lay/sums" "$lay/deb/DEBIAN/md5sums"
	dpkg-deb --root-owner-group -Zgzip -z1 -b "$lay/deb" "$dir/sysflow_$version-${revision}_amd64.deb" >/dev/null
	(cd "$dir" && sha256sum -- * >"$lay/sums" && cp "$lay/sums" SHA256SUMS)
	rm -rf "$lay"
}

pretend() {
	cat <<-PROGRAM
		#!/bin/sh
		# SPDX-License-Identifier: Apache-2.0
		wrong=$2
		case \$1 in
		--version) echo "sysflow $1" ;;
		config) ! grep -n nonsense /etc/sysflow/sysflow.toml ;;
		selftest)
			case \$0 in */new/bin/*) [ \$wrong != installed ] || wrong= ;; esac
			case \$wrong in selftest | installed) echo "FAILED: broken for this test" && exit 1 ;; esac
			printf 'calls   200 known calls\nlost    0\ncost    1 ns\ngood\n' ;;
		record) [ \$wrong != record ] || { echo "cannot record: broken for this test" >&2 && exit 1; } ;;
		esac
	PROGRAM
}

# pretend_systemd ROOT: a systemctl that remembers what is enabled and runs, and
# starts what the unit says; and a machine that seems to run systemd.
pretend_systemd() {
	local root=$1
	mkdir -p "$root/run/systemd/system" "$root/run/units"
	cat >"$root/usr/local/sbin/systemctl" <<-'PROGRAM'
		#!/bin/bash
		# SPDX-License-Identifier: Apache-2.0
		words=() now=
		for word; do case $word in --now) now=yes ;; -*) ;; *) words+=("$word") ;; esac; done
		verb=${words[0]} unit=${words[1]%.service}
		at=/run/units/$unit file=/etc/systemd/system/$unit.service
		[ -f "$file" ] || file=/lib/systemd/system/$unit.service
		case $verb in
		is-enabled) [ -e "$at.enabled" ] ;;
		is-active) [ -e "$at.active" ] ;;
		enable) [ -f "$file" ] && touch "$at.enabled" ;;
		disable) rm -f "$at.enabled" && { [ -z "$now" ] || rm -f "$at.active"; } ;;
		stop) rm -f "$at.active" ;;
		start | restart)
			rm -f "$at.active"
			eval "$(sed -n 's/^ExecStart=//p' "$file" | head -1)" && touch "$at.active" ;;
		esac
	PROGRAM
	printf '#!/bin/sh\necho "the journal: cannot record: broken for this test"\n' >"$root/usr/local/sbin/journalctl"
	chmod +x "$root/usr/local/sbin/systemctl" "$root/usr/local/sbin/journalctl"
}
