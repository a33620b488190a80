#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Last step of a root file system, run on the host with its folder as argument: files/ and the CA are already in it.
set -eu
root=$1

chroot "$root" update-ca-certificates
chroot "$root" systemctl enable lab-booted.service ssh.service
chroot "$root" systemctl mask \
    console-getty.service container-getty@.service getty@.service serial-getty@.service \
    systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
    systemd-networkd.service systemd-timesyncd.service systemd-logind-varlink.socket \
    dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
    ldconfig.service systemd-journal-catalog-update.service systemd-update-done.service \
    apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer

# Nobody's identity in an image.
: > "$root/etc/machine-id"
rm -f "$root"/var/lib/dbus/machine-id "$root"/etc/ssh/ssh_host_* "$root"/etc/hostname "$root"/etc/resolv.conf
