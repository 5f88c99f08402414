# The Home Assistant app from nothing but three static programs. deploy/image/build makes it; deploy/app describes it to the Supervisor.
FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="teleinfo-app" \
      org.opencontainers.image.description="Linky meter (TIC) in Home Assistant" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="https://github.com/teleinfo/teleinfo" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.version="$VERSION" \
      io.hass.type="app" \
      io.hass.name="Linky (teleinfo)" \
      io.hass.description="Linky meter (TIC) in Home Assistant" \
      io.hass.version="$VERSION"
COPY teleinfo-app teleinfo-bridge teleinfo-reader /
# As root, because the Supervisor gives /data and the lines of meters to root.
ENTRYPOINT ["/teleinfo-app"]
