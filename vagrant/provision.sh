#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a box, as root: installs the bundle in /tmp, lets a small workload run, and
# shows what was recorded of it.
#	provision.sh [DRIVER]
set -eu
PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin

tar -xzOf /tmp/sysflow.bundle.tar.gz --wildcards '*/install.sh' >/tmp/install.sh
sh /tmp/install.sh --offline /tmp/sysflow.bundle.tar.gz --driver "${1:-auto}"

work=$(mktemp -d)
head -c 12345 /dev/zero >"$work/sysflow-workload"
cp "$work/sysflow-workload" "$work/sysflow-copy"
rm -r "$work"
sleep 2

# Ending writes the open flows, and gives the file its name.
systemctl stop sysflow
echo "--- recorded of the workload:"
sysflow print /var/lib/sysflow | grep -E '^ *Rec #|sysflow-(workload|copy)' | head -20
sysflow print /var/lib/sysflow | grep -q sysflow-copy || {
	echo "provision.sh: nothing was recorded of the workload" >&2
	exit 1
}
systemctl start sysflow
systemctl --no-pager --lines 3 status sysflow
