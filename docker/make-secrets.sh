#!/bin/sh
# Makes the secrets of compose.yaml, in docker/secrets: those that are not there yet. Only their owner may enter the folder;
# the files are readable, since the containers' users are others than theirs.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
cd secrets
umask 022

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

[ -s redis-auth.conf ] || printf 'requirepass %s\n' "$(random)" >redis-auth.conf
printf 'redis://:%s@redis:6379/0\n' "$(sed -n 's/^requirepass //p' redis-auth.conf)" >redis-url
[ -s admin-token ] || printf 'hms_%s\n' "$(random)" >admin-token
touch ehr-clinic-token # written when the bus runs: docs/docker.md
