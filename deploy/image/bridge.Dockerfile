# The bridge from nothing but its static program. deploy/image/build makes it.
FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="teleinfo-bridge" \
      org.opencontainers.image.description="From teleinfo readers to MQTT and Home Assistant" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="https://github.com/teleinfo/teleinfo" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.version="$VERSION"
COPY teleinfo-bridge /teleinfo-bridge
COPY --chown=65532:65532 state /state
# Where secrets of a compose file are, and what outlives the container.
ENV CREDENTIALS_DIRECTORY=/run/secrets STATE_DIRECTORY=/state
VOLUME /state
EXPOSE 7447
USER 65532:65532
# Healthy: the broker lets it in, the bridge is there, and each meter is being read.
HEALTHCHECK --interval=2m --timeout=30s --start-period=1m CMD ["/teleinfo-bridge", "doctor"]
ENTRYPOINT ["/teleinfo-bridge"]
