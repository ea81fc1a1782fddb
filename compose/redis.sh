#!/bin/sh
# The broker of the profile celery. The password goes by stdin, where no list of processes shows it.
set -eu
. "$(dirname "$0")/secret.sh"
password="$(secret redis_password)"
exec docker-entrypoint.sh redis-server - <<CONFIG
requirepass "$password"
save ""
appendonly no
CONFIG
