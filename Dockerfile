# The container image: compiled, without development tools, run by a user without rights.
# docker build -t plumbline .
# docker run -p 7070:7070 -p 4318:4318 -v plumbline:/data -v ./config:/config:ro plumbline
# What is published is reached only if ./config/plumbline.yaml has `server: { host: 0.0.0.0 }`, and so `keys:`.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build \
  && npm prune --omit=dev \
  # The image brings its own Node; the packages that carry one weigh as much again.
  && rm -rf node_modules/node-linux-* node_modules/.bin

FROM node:24-bookworm-slim
# The registry reads the history of prompts from git, which needs ssh for some addresses. tini is the first process: as that
# one itself, Node would leave the children of git behind as zombies, and outlive signals that end every other process.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates git openssh-client tini \
  && rm -rf /var/lib/apt/lists/* \
  # What is mounted there belongs to another user, of whom git would read nothing.
  && git config --system --add safe.directory /config \
  && install -d -o node -g node /data /config \
  # For `docker exec`: what alerts tell people to type.
  && ln -s /app/bin/plumbline.mjs /usr/local/bin/plumbline
# For the daemon, and for what is typed beside it.
ENV PLUMBLINE_CONFIG=/config/plumbline.yaml PLUMBLINE_DATA=/data
# As bin/launch.mjs sets it for a child.
ENV NODE_ENV=production GLIBC_TUNABLES=glibc.malloc.hugetlb=1
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/bin ./bin
COPY --from=build /app/dashboards ./dashboards
COPY --from=build /app/examples ./examples
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# The user node, by numbers: of a name Kubernetes can't tell that it is not root (runAsNonRoot).
USER 1000:1000
VOLUME /data
# HTTP API and web page, OTLP over HTTP, OTLP over gRPC.
EXPOSE 7070 4318 4317
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7070/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# `-s`: also where something else is the first process, such as with `docker run --init`.
ENTRYPOINT ["tini", "-s", "--", "node", "/app/bin/plumbline.mjs"]
CMD ["start"]
