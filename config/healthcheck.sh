#!/usr/bin/env bash
# Succeeds while /healthz of the engine in this container answers 200. With bash alone: the image has no curl.
set -eu
listen=${TICKCACHE_HTTP_LISTEN-127.0.0.1:8080}
if [ -z "$listen" ]; then exit 0; fi # Turned off: there is nothing to ask.
exec 3<>"/dev/tcp/127.0.0.1/${listen##*:}"
printf 'GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 2 _ status _ <&3
[ "$status" = 200 ]
