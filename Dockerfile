# The command line with its workers and `serve`. A Redis is not in it: set REDIS_URL.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
# npm keeps TypeScript as an optional peer of valibot. The rest is what nothing here loads.
RUN npm run --silent build && npm prune --omit=dev --ignore-scripts \
  && rm -rf node_modules/typescript node_modules/@typescript \
    dist/scripts dist/.tsbuildinfo src workers scripts tsconfig*.json .npmrc package-lock.json \
  && find dist node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM node:24-bookworm-slim
COPY --from=build /app /app
# Writable for whichever user the container runs as, as /tmp is; what is made there is private to that user.
RUN ln -s /app/bin/conduit-batch.js /usr/local/bin/conduit-batch && mkdir -m 1777 /data /prompts
ENV NODE_ENV=production CONDUIT_BATCH_DATA_DIR=/data/conduit-batch
WORKDIR /prompts
USER 1000:1000
EXPOSE 8484
STOPSIGNAL SIGTERM
ENTRYPOINT ["conduit-batch"]
CMD ["--help"]
