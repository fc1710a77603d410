#!/bin/sh
# Installs the Debian packages named as arguments. Runs as root.
#
# Two of them would start a server of their own on a fixed port: nats-server (open to the network) and
# PostgreSQL (a cluster "main"). We start our own on loopback, so neither is started, enabled, or created.
set -eu

export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf
our_policy=no
our_clusters=no

restore() {
  [ "$our_policy" = no ] || rm -f "$policy"
  [ "$our_clusters" = no ] || mv -f "$clusters.landfall" "$clusters"
}
trap restore EXIT
trap 'exit 130' INT TERM HUP

install() {
  apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

apt-get update -o DPkg::Lock::Timeout=300

if [ ! -e "$policy" ]; then
  our_policy=yes
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

for name in "$@"; do
  if [ "$name" = postgresql ] && [ ! -e "$clusters" ]; then
    # The settings file comes with this package; it must be there, changed, before the server package is.
    install postgresql-common
    cp -p "$clusters" "$clusters.landfall"
    our_clusters=yes
    echo 'create_main_cluster = false' >>"$clusters"
  fi
done

install "$@"

for name in "$@"; do
  if [ "$name" = nats-server ] && [ -d /run/systemd/system ]; then
    systemctl disable nats-server.service
  fi
done
