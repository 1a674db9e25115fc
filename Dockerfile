# The engine: docker build -t tickcache .
# glibc and not musl, whose allocator and memcpy cost latency. Certificates of authorities are compiled in.
FROM rust:1-slim-bookworm AS build
WORKDIR /build
COPY . .
# Without symbols the program is a third as large; panics still name their file and line.
RUN cargo build --release --locked --bin tickcache && strip target/release/tickcache

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tickcache
COPY --from=build /build/target/release/tickcache /usr/local/bin/tickcache
COPY config/healthcheck.sh /usr/local/bin/tickcache-healthcheck
COPY config/tickcache.toml /etc/tickcache/tickcache.toml
USER 10001:10001
# Metrics and health must be reached from outside of the container; 8080 is not published on the host by this.
ENV TICKCACHE_HTTP_LISTEN=0.0.0.0:8080
# The user has no home to keep lists of instruments in: they are fetched at each start. Mount a volume and name it here to keep them.
ENV TICKCACHE_ENGINE_CACHE_DIR=""
EXPOSE 8080
# Unhealthy while a session or Redis is down. Docker only shows it; nothing is restarted for it.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["bash", "/usr/local/bin/tickcache-healthcheck"]
# SIGTERM: leases are released, and what nobody takes over is left suspect.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tickcache"]
CMD ["run", "--config", "/etc/tickcache/tickcache.toml"]
