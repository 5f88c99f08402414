# The reader from nothing but its static program. deploy/image/build makes it.
FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="teleinfo-reader" \
      org.opencontainers.image.description="Reads the TIC output of a Linky meter" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="https://github.com/teleinfo/teleinfo" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.version="$VERSION"
COPY teleinfo-reader /teleinfo-reader
COPY --chown=65532:65532 state /state
# Where secrets of a compose file are, and what outlives the container.
# /dev/shm is memory, and can be written where the root cannot.
ENV CREDENTIALS_DIRECTORY=/run/secrets STATE_DIRECTORY=/state HEALTH_FILE=/dev/shm/teleinfo-reader
VOLUME /state
USER 65532:65532
# Healthy: a meter is being read, and a bridge is connected.
HEALTHCHECK --interval=30s --timeout=10s --start-period=1m CMD ["/teleinfo-reader", "health"]
ENTRYPOINT ["/teleinfo-reader"]
