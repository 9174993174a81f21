# The five images, one target each: operator, gateway, worker, temporal, example-file-processing. `make images` builds them
# with docker, podman or buildah; deploy/image/README.md says how and what is in them.
ARG BASE=docker.io/library/debian:bookworm-slim

# The programs and the trees of the images without a shell. With PREBUILT=build/release/bin it takes the programs of that
# folder of the context; they must come from Debian 12 too. Without, it builds them.
FROM ${BASE} AS programs
ARG PREBUILT=
ENV DEBIAN_FRONTEND=noninteractive
COPY cmake/install-packages.sh /install-packages.sh
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates tzdata libcpprest2.10 libprometheus-cpp-core1.0 \
      libspdlog1.10 libfmt9 libyaml-cpp0.7 libssl3 libdate-tz3 zlib1g libgrpc++1.51 \
 && if [ -z "$PREBUILT" ]; then /install-packages.sh build; fi \
 && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN cd /src \
 && if [ -z "$PREBUILT" ]; then make build && PREBUILT=build/release/bin; fi \
 && install -D -m 755 -t /programs "$PREBUILT"/* \
 && deploy/image/collect.sh /programs/berth-operator /trees/operator \
 && deploy/image/collect.sh /programs/berth-gateway /trees/gateway \
 && deploy/image/collect.sh /programs/berth-temporal /trees/temporal \
 && rm -rf /src

FROM scratch AS operator
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="berth-operator" \
      org.opencontainers.image.description="Keeps SessionPools supplied with free session slots" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=programs /trees/operator/ /
USER 65532:65532
EXPOSE 8081
ENTRYPOINT ["/usr/bin/berth-operator"]

FROM scratch AS gateway
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="berth-gateway" \
      org.opencontainers.image.description="The front door to session slots" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=programs /trees/gateway/ /
USER 65532:65532
EXPOSE 7070 7071
ENTRYPOINT ["/usr/bin/berth-gateway"]

FROM scratch AS temporal
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="berth-temporal" \
      org.opencontainers.image.description="Serves the sessions of Temporal workflows from a pool" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=programs /trees/temporal/ /
USER 65532:65532
EXPOSE 7091
ENTRYPOINT ["/usr/bin/berth-temporal"]

# Debian slim, since a pool's activities are often commands. Build an image FROM this one to add yours.
FROM ${BASE} AS worker
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates \
      libprometheus-cpp-core1.0 libspdlog1.10 libfmt9 libyaml-cpp0.7 libssl3 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 65532 berth \
 && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin berth
COPY --from=programs /programs/berth-worker /usr/bin/berth-worker
USER 65532:65532
RUN /usr/bin/berth-worker --version
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="berth-worker" \
      org.opencontainers.image.description="Serves session slots and runs their activities" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
EXPOSE 7600 7601
ENTRYPOINT ["/usr/bin/berth-worker"]

FROM worker AS example-file-processing
LABEL org.opencontainers.image.title="berth-example-file-processing" \
      org.opencontainers.image.description="A worker with three C++ activities: fetch, process, store"
COPY --from=programs /programs/file-processing-worker /usr/bin/file-processing-worker
RUN /usr/bin/file-processing-worker --version
ENTRYPOINT ["/usr/bin/file-processing-worker"]
