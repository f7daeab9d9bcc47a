# Two images: the sidecar (the last target, built unless another is named) and an adapter of adapters/
# (--target adapter --build-arg ADAPTER=ehr-clinic). How they are run: compose.yaml, docs/docker.md.
FROM node:22.23.1-bookworm-slim@sha256:6c74791e557ce11fc957704f6d4fe134a7bc8d6f5ca4403205b2966bd488f6b3 AS base
WORKDIR /app

# The manifests alone: packages are installed anew only when one of them has changed.
FROM base AS manifests
COPY package.json package-lock.json .npmrc ./
COPY client/package.json client/
COPY create-hms-adapter/package.json create-hms-adapter/
COPY adapters/city-health/package.json adapters/city-health/
COPY adapters/ehr-clinic/package.json adapters/ehr-clinic/
COPY adapters/treasury-payroll/package.json adapters/treasury-payroll/

FROM manifests AS build
RUN npm ci --ignore-scripts
COPY tsconfig.base.json tsconfig.json ./
COPY scripts scripts
COPY src src
COPY client client
COPY create-hms-adapter create-hms-adapter
COPY adapters adapters
RUN node scripts/build.mjs

# npm marks what any workspace needs as needed; without workspaces, prune leaves what the sidecar needs.
FROM manifests AS sidecar-packages
RUN npm ci --omit=dev --ignore-scripts --workspaces=false \
    && npm pkg delete workspaces \
    && npm prune --omit=dev --ignore-scripts

FROM manifests AS adapter-packages
ARG ADAPTER=ehr-clinic
RUN npm ci --omit=dev --ignore-scripts --workspace "adapters/${ADAPTER}"

FROM base AS adapter
ARG ADAPTER=ehr-clinic
ENV NODE_ENV=production HEALTH_PORT=8481
COPY --from=adapter-packages /app ./
COPY --from=build /app/client/dist client/dist
COPY --from=build /app/adapters/${ADAPTER}/dist/src adapters/${ADAPTER}/dist/src
COPY adapters/${ADAPTER}/mapping.yaml adapters/${ADAPTER}/
RUN install -d -o node -g node /data
WORKDIR /app/adapters/${ADAPTER}
USER node
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.HEALTH_PORT).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/src/main.js"]

FROM base AS sidecar
ENV NODE_ENV=production \
    HMS_SYNC_CONFIG=/etc/hms-sync/topics.yaml \
    HMS_SYNC_STATE=/var/lib/hms-sync \
    HMS_SYNC_HOST=0.0.0.0 \
    HMS_SYNC_PORT=8480
COPY --from=sidecar-packages /app/package.json ./
COPY --from=sidecar-packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY topics.yaml /etc/hms-sync/
COPY schemas /etc/hms-sync/schemas
RUN ln -s /app/dist/cli/main.js /usr/local/bin/hms-sync \
    && install -d -o node -g node -m 700 /var/lib/hms-sync
USER node
EXPOSE 8480
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.HMS_SYNC_PORT + '/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/cli/main.js", "start"]
