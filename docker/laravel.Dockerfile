# HMS-API in small, for the profile `demo` of compose.yaml: the Laravel application of test/laravel-app with the driver of
# php-driver. It has no composer.lock, as a package's test application: Composer takes the newest releases that fit.
FROM composer:2.8.12@sha256:5248900ab8b5f7f880c2d62180e40960cd87f60149ec9a1abfd62ac72a02577c AS vendor
WORKDIR /app/test/laravel-app
COPY php-driver /app/php-driver
COPY test/laravel-app ./
# Some archives hold files that only their owner may read, and the application runs as another.
RUN composer update --no-dev --no-interaction --no-progress --prefer-dist \
    && chmod -R a+rX /app

FROM php:8.4.14-cli-bookworm
WORKDIR /app/test/laravel-app
COPY --from=vendor /app /app
# Laravel finds its packages at the first start and writes them down, which it cannot on a read-only root.
RUN php artisan list --raw
COPY --chmod=755 docker/complete-inspections.sh /usr/local/bin/complete-inspections
ENV APP_ENV=production \
    LOG_CHANNEL=stderr \
    QUEUE_CONNECTION=sync \
    REDIS_CLIENT=predis \
    BROADCAST_CONNECTION=hms-sync \
    DB_DATABASE=/tmp/hms.sqlite
USER www-data
HEALTHCHECK NONE
ENTRYPOINT ["complete-inspections"]
CMD ["41", "42", "43"]
