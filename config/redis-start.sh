#!/bin/sh
# Starts a Redis or a Sentinel with users and passwords from the environment.
#
#   redis-start.sh server      a Redis with config/redis.conf and config/users.acl; /data keeps its log
#   redis-start.sh sentinel    a Sentinel; /data keeps what it knows
#   redis-start.sh users       prints the users.acl that a server would get
#
# Passwords: REDIS_PASSWORD (user writer; required), REDIS_READER_PASSWORD, REDIS_OPERATOR_PASSWORD, REDIS_APP_PASSWORD,
# REDIS_ADMIN_PASSWORD, REDIS_HA_PASSWORD (users replica and sentinel), REDIS_SENTINEL_PASSWORD (who may ask a Sentinel). A user
# whose password is missing does not exist. Letters, digits, '.', '_', '~' and '-' only; none is ever printed or passed as an argument.
#
# Also: TICKCACHE_NAMESPACE (tickcache), REDIS_MAXMEMORY (256mb), REDIS_PORT (6379; a Sentinel's: 26379), REDIS_BIND (* -::*).
# With Sentinels: REDIS_PRIMARY (host:port at first), REDIS_SENTINELS (host:port,...), REDIS_ANNOUNCE (host that others reach this one
# at), REDIS_PRIMARY_NAME (mymaster), REDIS_DOWN_AFTER_MS (500), REDIS_QUORUM (2).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
run_folder=${REDIS_RUN_FOLDER:-/run/redis}
data_folder=${REDIS_DATA_FOLDER:-/data}
namespace=${TICKCACHE_NAMESPACE:-tickcache}
primary_name=${REDIS_PRIMARY_NAME:-mymaster}

fail() {
  echo "redis-start.sh: $*" >&2
  exit 1
}

# Refuses what would need quoting in one of the files, or be an option in disguise.
check() { # NAME VALUE
  case $2 in
    *[!A-Za-z0-9._~-]*) fail "$1 has other characters than letters, digits, '.', '_', '~' and '-'; try: openssl rand -hex 32" ;;
  esac
}

password_of() { # USER as in users.acl
  case $1 in
    writer) printf %s "${REDIS_PASSWORD:-}" ;;
    reader) printf %s "${REDIS_READER_PASSWORD:-}" ;;
    operator) printf %s "${REDIS_OPERATOR_PASSWORD:-}" ;;
    app) printf %s "${REDIS_APP_PASSWORD:-}" ;;
    admin) printf %s "${REDIS_ADMIN_PASSWORD:-}" ;;
    ha) printf %s "${REDIS_HA_PASSWORD:-}" ;;
  esac
}

check_environment() {
  [ -n "${REDIS_PASSWORD:-}" ] || fail "REDIS_PASSWORD is not set"
  for user in writer reader operator app admin ha; do
    check "the password of $user" "$(password_of "$user")"
  done
  check REDIS_SENTINEL_PASSWORD "${REDIS_SENTINEL_PASSWORD:-}"
  check REDIS_PRIMARY_NAME "$primary_name"
  # What goes into the files unquoted must not begin a line of its own there.
  for value in "${REDIS_MAXMEMORY:-}" "${REDIS_PORT:-}" "${REDIS_BIND:-}" "${REDIS_ANNOUNCE:-}" "${REDIS_PRIMARY:-}" \
    "${REDIS_SENTINELS:-}" "${REDIS_DOWN_AFTER_MS:-}" "${REDIS_QUORUM:-}"; do
    case $value in
      *[!A-Za-z0-9.,:_*\ -]*) fail "'$value' in a REDIS_ variable has characters that no address or number has" ;;
    esac
  done
  case $namespace in
    '' | *[!a-z0-9_:-]*) fail "TICKCACHE_NAMESPACE is no namespace" ;;
  esac
}

users() {
  script="s/@namespace@/$namespace/g"
  for user in writer reader operator app admin ha; do
    password=$(password_of "$user")
    if [ -n "$password" ]; then
      hash=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
      script="$script;s/@${user}_password@/$hash/"
    else
      script="$script;/@${user}_password@/d"
    fi
  done
  # One line a user first, then the placeholders: a user that goes, goes as a whole.
  awk '/^#/ || /^$/ { next } /^ / { sub(/^ +/, " "); line = line $0; next } { if (line) print line; line = $0 } END { print line }' \
    "$here/users.acl" | sed "$script"
}

split_address() { # host:port -> "host port"
  printf '%s %s' "${1%:*}" "${1##*:}"
}

# Who is the primary now: what a Sentinel says, else REDIS_PRIMARY. Without it a primary that died would come back as one, beside
# the new one, until the Sentinels notice.
primary_now() {
  for sentinel in $(printf %s "${REDIS_SENTINELS:-}" | tr ',' ' '); do
    # shellcheck disable=SC2046  # two words are meant
    set -- $(split_address "$sentinel")
    answer=$(REDISCLI_AUTH=${REDIS_SENTINEL_PASSWORD:-} timeout 2 redis-cli -h "$1" -p "$2" \
      sentinel get-master-addr-by-name "$primary_name" 2>/dev/null | tr '\n' ' ') || continue
    # shellcheck disable=SC2086  # likewise
    set -- $answer
    case $#:${2:-} in
      2:*[!0-9]*) ;;
      2:?*)
        printf '%s:%s' "$1" "$2"
        return
        ;;
    esac
  done
  printf %s "${REDIS_PRIMARY:-}"
}

server() {
  port=${REDIS_PORT:-6379}
  users >"$run_folder/users.acl"
  {
    echo "include $here/redis.conf"
    echo "bind ${REDIS_BIND:-* -::*}"
    echo "port $port"
    echo "dir $data_folder"
    echo "aclfile $run_folder/users.acl"
    echo "maxmemory ${REDIS_MAXMEMORY:-256mb}"
    if [ -n "${REDIS_ANNOUNCE:-}" ]; then
      echo "replica-announce-ip $REDIS_ANNOUNCE"
      echo "replica-announce-port $port"
    fi
    if [ -n "${REDIS_HA_PASSWORD:-}" ]; then
      echo "masteruser replica"
      echo "masterauth $REDIS_HA_PASSWORD"
      primary=$(primary_now)
      if [ -n "$primary" ] && [ "$primary" != "${REDIS_ANNOUNCE:-}:$port" ]; then
        echo "replicaof $(split_address "$primary")"
      fi
    fi
  } >"$run_folder/redis.conf"
  exec redis-server "$run_folder/redis.conf"
}

sentinel() {
  [ -n "${REDIS_HA_PASSWORD:-}" ] || fail "REDIS_HA_PASSWORD is not set"
  [ -n "${REDIS_SENTINEL_PASSWORD:-}" ] || fail "REDIS_SENTINEL_PASSWORD is not set"
  [ -n "${REDIS_PRIMARY:-}" ] || fail "REDIS_PRIMARY is not set"
  # What it has learned since (who is the primary, which epoch) stands in this file, so it is written once only.
  file=$data_folder/sentinel.conf
  if [ ! -s "$file" ]; then
    {
      echo "bind ${REDIS_BIND:-* -::*}"
      echo "port ${REDIS_PORT:-26379}"
      echo "dir $data_folder"
      echo "requirepass $REDIS_SENTINEL_PASSWORD"
      echo "sentinel sentinel-pass $REDIS_SENTINEL_PASSWORD"
      if [ -n "${REDIS_ANNOUNCE:-}" ]; then echo "sentinel announce-ip $REDIS_ANNOUNCE"; fi
      echo "sentinel monitor $primary_name $(split_address "$REDIS_PRIMARY") ${REDIS_QUORUM:-2}"
      echo "sentinel auth-user $primary_name sentinel"
      echo "sentinel auth-pass $primary_name $REDIS_HA_PASSWORD"
      echo "sentinel down-after-milliseconds $primary_name ${REDIS_DOWN_AFTER_MS:-500}"
      echo "sentinel failover-timeout $primary_name 10000"
      echo "sentinel parallel-syncs $primary_name 1"
    } >"$file.new"
    mv "$file.new" "$file"
  fi
  exec redis-server "$file" --sentinel
}

umask 077
check_environment
case ${1:-} in
  server) server ;;
  sentinel) sentinel ;;
  users) users ;;
  *) fail "expected server, sentinel or users" ;;
esac
