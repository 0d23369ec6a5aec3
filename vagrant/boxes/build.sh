#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds a minimal box from Debian's archive: a disk that boots with systemd,
# for Vagrant with libvirt and for run.sh beside this.
set -euo pipefail
# shellcheck source=../../scripts/lib/common.sh
. "$(dirname "$0")/../../scripts/lib/common.sh"
# shellcheck source=../../scripts/vm/kernel.sh
. "$ROOT/scripts/vm/kernel.sh"

usage() {
	cat <<-USAGE
		usage: build.sh [--suite SUITE] [--kernel PACKAGE] [--vagrant] [--force]
		  --suite SUITE     bookworm (default), trixie, ... of Debian
		  --kernel PACKAGE  linux-image-amd64 (default), linux-image-cloud-amd64, or
		                    one with a version; its headers are installed too
		  --vagrant         make a .box file for vagrant-libvirt, too
		  --force           build anew what is there
		As root. Takes a few minutes and 2 GB; everything is kept in
		\$SYSFLOW_CACHE/boxes/SUITE[-KERNEL]: disk.qcow2, vmlinuz, initrd.img.
		Prints that folder.
	USAGE
}

suite=bookworm kernel=linux-image-amd64 vagrant='' force=''
while [ $# -gt 0 ]; do
	case $1 in
	--suite) suite=${2:?} && shift ;;
	--kernel) kernel=${2:?} && shift ;;
	--vagrant) vagrant=yes ;;
	--force) force=yes ;;
	-h | --help) usage && exit ;;
	*) usage >&2 && die "unknown argument $1" ;;
	esac
	shift
done

name=$suite
[ "$kernel" = linux-image-amd64 ] || name=$suite-${kernel#linux-image-}
out=$CACHE/boxes/$name
log=$out/build.log

# What the tests install needs a compiler, the headers and DKMS, so that it
# works without a network; Vagrant needs a way in.
PACKAGES=(systemd systemd-sysv udev dbus kmod iproute2 procps initramfs-tools
	dkms gcc make "$kernel" "${kernel/image/headers}"
	openssh-server sudo ca-certificates rsync)

need mmdebstrap mmdebstrap
need qemu-img qemu-utils
need mke2fs e2fsprogs
need ssh-keygen openssh-client
[ "$(id -u)" -eq 0 ] || die "this makes files of other users: run it as root"

# The parts of a system that a package does not bring, into the folder $1.
configure() {
	local root=$1
	echo sysflow-box >"$root/etc/hostname"
	printf '127.0.0.1 localhost sysflow-box\n' >"$root/etc/hosts"
	echo '/dev/vda / ext4 errors=remount-ro,noatime 0 1' >"$root/etc/fstab"
	mkdir -p "$root/etc/systemd/network" "$root/etc/systemd/system/multi-user.target.wants"
	printf '[Match]\nType=ether\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/80-dhcp.network"
	chroot "$root" systemctl -q enable systemd-networkd
	# Nothing that takes time, or the test's processor.
	chroot "$root" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer \
		systemd-networkd-wait-online.service man-db.timer e2scrub_reap.service
	cp "$ROOT/vagrant/boxes/guest/box-run" "$root/usr/local/sbin/"
	cp "$ROOT/vagrant/boxes/guest/box-run.service" "$root/etc/systemd/system/"
	chroot "$root" systemctl -q enable box-run.service
	chroot "$root" useradd -m -s /bin/bash vagrant
	echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
	chmod 440 "$root/etc/sudoers.d/vagrant"
	install -d -m 700 "$root/home/vagrant/.ssh"
	install -m 600 "$out/key.pub" "$root/home/vagrant/.ssh/authorized_keys"
	chroot "$root" chown -R vagrant: /home/vagrant/.ssh
	chroot "$root" apt-get clean
	rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/debconf/*-old
}

build_disk() {
	local site root=$out/root
	site=$(apt_archive)
	[ -n "$site" ] || die "no Debian archive in this machine's apt sources"
	rm -rf "$root" "$out"/disk.*
	mkdir -p "$out"
	[ -f "$out/key" ] || ssh-keygen -q -t ed25519 -N '' -C sysflow-box -f "$out/key"
	note "installing $suite with $kernel into a folder"
	# The initramfs holds what this disk needs and nothing else: it is unpacked
	# at each boot, by an emulated processor.
	mmdebstrap --mode=root --variant=minbase --components=main \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" && printf "MODULES=list\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\n" >"$1/etc/initramfs-tools/conf.d/box" && printf "virtio_pci\nvirtio_blk\next4\n" >"$1/etc/initramfs-tools/modules-box"' \
		--include="$(IFS=,; echo "${PACKAGES[*]}")" \
		"$suite" "$root" "$site" >"$log" 2>&1 ||
		{ tail -20 "$log" >&2 && die "mmdebstrap failed: see $log"; }
	cat "$root/etc/initramfs-tools/modules-box" >>"$root/etc/initramfs-tools/modules"
	chroot "$root" update-initramfs -u -k all >>"$log" 2>&1
	configure "$root"
	cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
	cp "$root"/boot/initrd.img-* "$out/initrd.img"
	note "making the disk"
	truncate -s 4G "$out/disk.raw"
	mke2fs -q -t ext4 -L sysflow-box -d "$root" "$out/disk.raw"
	qemu-img convert -O qcow2 "$out/disk.raw" "$out/disk.new"
	rm -rf "$root" "$out/disk.raw"
	mv "$out/disk.new" "$out/disk.qcow2"
}

# vagrant-libvirt starts the kernel itself, so the disk needs no boot loader.
build_vagrant_box() {
	local work=$out/box
	rm -rf "$work" && mkdir -p "$work"
	qemu-img convert -c -O qcow2 "$out/disk.qcow2" "$work/box.img"
	cp "$out/vmlinuz" "$out/initrd.img" "$out/key" "$work/"
	cp "$ROOT/vagrant/boxes/box.Vagrantfile" "$work/Vagrantfile"
	printf '{"provider": "libvirt", "format": "qcow2", "virtual_size": 4}\n' >"$work/metadata.json"
	tar -C "$work" -czf "$out/sysflow-$name.box" .
	rm -rf "$work"
	note "vagrant box add --name sysflow/$name $out/sysflow-$name.box"
}

if [ -n "$force" ] || [ ! -f "$out/disk.qcow2" ]; then
	build_disk >&2
fi
[ -z "$vagrant" ] || build_vagrant_box >&2
echo "$out"
