#!/bin/sh
# The image's own start, with the superuser's password from a secret.
set -eu
. "$(dirname "$0")/secret.sh"
POSTGRES_PASSWORD="$(secret postgres_password)"
export POSTGRES_PASSWORD
exec docker-entrypoint.sh "$@"
