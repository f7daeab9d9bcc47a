#!/bin/sh
# Completes the inspections of these numbers in the Laravel application: a row in its database and an event each.
set -eu
HMS_SYNC_REDIS_URL="$(cat "$HMS_SYNC_REDIS_URL_FILE")"
export HMS_SYNC_REDIS_URL
touch "$DB_DATABASE"
php artisan migrate --force --no-interaction
exec php artisan inspections:complete "$@"
