# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
# shellcheck shell=bash disable=SC2154  # names of the others
#
# The servers of a quickstart stack: how each is started, seen to be ready and
# stopped. Sourced by quickstart.sh after place.sh. Starting what runs already
# does nothing, so a stack of which a part died is made whole by "up".

pg_bin=/usr/lib/postgresql/15/bin
servers=(postgres redis sim nginx worker-1 worker-2)

# the simulator has no place in a stack on the real provider
wanted_servers() {
    local name
    for name in "${servers[@]}"; do
        [[ $name == sim && $(setting provider) != sim ]] || echo "$name"
    done
}

pid_of() { # name
    cat "$data/pid/$1" 2>/dev/null
}

# alive: the process runs and is ours (each one's working directory lies in
# the data directory), not another one that was given the same id later
alive() { # name
    local pid cwd
    pid=$(pid_of "$1") && [[ -n $pid ]] || return 1
    cwd=$(readlink "/proc/$pid/cwd" 2>/dev/null) || return 1
    [[ $cwd == "$data"/* ]]
}

all_run() {
    local name
    for name in $(wanted_servers); do
        alive "$name" || return 1
    done
}

# launch NAME COMMAND...: in the background, under the servers' account, in a
# session of its own, with its output in the log
launch() {
    local name=$1
    shift
    [[ $name != postgres ]] || mkdir -p "$data/postgres"
    (
        cd "$data/$name" || exit
        exec 9>&-
        if is_root; then
            exec setsid setpriv --reuid postgres --regid postgres \
                --init-groups -- "$@"
        fi
        exec setsid "$@"
    ) </dev/null >>"$data/log/$name.log" 2>&1 &
    echo $! >"$data/pid/$name"
}

# wait_ready NAME SECONDS COMMAND...: until the command succeeds
wait_ready() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! alive "$name" || ((SECONDS > deadline)); then
            tail -n 20 "$data/log/$name.log" >&2
            fail "$name did not start; its log is $dir/data/log/$name.log"
        fi
        sleep 0.05
    done
}

start_all() {
    local name
    for name in $(wanted_servers); do
        alive "$name" || "start_${name%-?}" "$name"
        [[ $name != postgres ]] || migrate
    done
    wait_ready nginx 20 http_ok /readyz
}

# dsn ROLE: a libpq connection string
dsn() {
    echo "host=$run dbname=igjobs user=$1"
}

http_ok() { # path
    [[ $(curl -s --noproxy '*' -o /dev/null -m 2 -w '%{http_code}' \
        "http://127.0.0.1:$(setting port)$1") == 200 ]]
}

start_postgres() {
    if [[ ! -e $data/postgres/PG_VERSION ]]; then
        as_account rm -rf "$data/postgres"
        as_account mkdir -m 700 "$data/postgres"
        (cd "$data/postgres" && as_account "$pg_bin/initdb" -D "$data/postgres" \
            -U postgres -A trust -E UTF8 --locale=C.UTF-8) \
            >"$data/log/initdb.log" 2>&1 ||
            { tail -n 20 "$data/log/initdb.log" >&2; fail "initdb failed"; }
    fi
    launch postgres "$pg_bin/postgres" -D "$data/postgres" \
        -c listen_addresses= -c unix_socket_directories="$run" \
        -c max_connections=200 -c shared_buffers=128MB
    wait_ready postgres 60 "$pg_bin/pg_isready" -q -h "$run" \
        -U postgres -d postgres
}

migrate() {
    psql -XAtq -h "$run" -U postgres -d postgres \
        -c "select 1 from pg_database where datname = 'igjobs'" | grep -q 1 ||
        psql -XAtq -h "$run" -U postgres -d postgres \
            -c 'create database igjobs'
    "$here/sql/migrate" --dsn "$(dsn postgres)" \
        >"$data/log/migrate.log" 2>&1 || {
        tail -n 20 "$data/log/migrate.log" >&2
        fail "the migrations failed"
    }
    [[ $(setting provider) != sim ]] || demo_base
}

# the simulator has any base that it is asked for
demo_base() {
    psql -XAtq -h "$run" -U postgres -d igjobs \
        -c "update igjobs.settings set value = 'appDemo0000000001'
            where name = 'airtable_base_id' and value = ''"
}

start_redis() {
    launch redis redis-server --port 0 --unixsocket "$run/redis.sock" \
        --unixsocketperm 700 --save '' --appendonly no
    wait_ready redis 20 redis-cli -s "$run/redis.sock" ping
}

start_sim() {
    local sim_port
    sim_port=$(setting sim_port)
    # runs that take a moment, so that there is progress to be seen
    launch sim "$data/bin/igjobs-sim" --port "$sim_port" --run-ms 400 \
        --airtable-tables 80 --officials "$data/bin/public-officials.jsonl"
    wait_ready sim 20 curl -sf --noproxy '*' "http://127.0.0.1:$sim_port/_sim/health"
}

# a path as sed's replacement in a quoted string of nginx.conf
literal() {
    printf '%s' "$1" | sed -e 's/["\\]/\\&/g' -e 's/[\\|&]/\\&/g'
}

start_nginx() {
    local port
    port=$(setting port)
    port_free "$port" ||
        fail "port $port is in use by another program; choose one with --port"
    sed -e "s|@DATA@|$(literal "$data")|g" -e "s|@RUN@|$run|g" \
        -e "s|@PORT@|$port|g" -e "s|@DSN@|$(dsn igjobs_api)|g" \
        "$here/stack/nginx.conf.in" >"$data/conf/nginx.conf"
    launch nginx nginx -e stderr -p "$data/nginx" \
        -c "$data/conf/nginx.conf"
    wait_ready nginx 20 http_ok /livez
}

start_worker() { # worker-N
    local environment
    environment=(
        "DATABASE_URL=$(dsn igjobs_worker)"
        "REDIS_URL=unix:$run/redis.sock"
        "IGJOBS_WORKER_ID=$1"
    )
    if [[ $(setting provider) == sim ]]; then
        environment+=(
            APIFY_API_KEY=simulated
            APIFY_ACTOR_ID=igjobs~followers
            TIKTOK_APIFY_ACTOR_ID=igjobs~tiktok-followers
            THREADS_APIFY_ACTOR_ID=igjobs~threads-followers
            X_APIFY_ACTOR_ID=igjobs~x-followers
            "APIFY_BASE_URL=http://127.0.0.1:$(setting sim_port)"
            AIRTABLE_ACCESS_TOKEN=simulated
            "AIRTABLE_BASE_URL=http://127.0.0.1:$(setting sim_port)"
        )
    fi
    launch "$1" env "${environment[@]}" "$data/bin/igjobs-worker"
    wait_ready "$1" 20 worker_beats "$1"
}

# a worker's heartbeat stands in Redis once it takes work
worker_beats() { # worker-N
    [[ $(redis-cli -s "$run/redis.sock" exists "igjobs:worker:$1") == 1 ]]
}

# clients first, so that nobody loses its database while it still works
stop_all() {
    local name i
    for ((i = ${#servers[@]} - 1; i >= 0; i--)); do
        name=${servers[i]}
        case $name in
        nginx)    stop_server "$name" QUIT ;;
        postgres) stop_server "$name" INT ;;
        *)        stop_server "$name" TERM ;;
        esac
    done
}

# asks for an orderly end; after 20 s it is ended by force
stop_server() { # name signal
    local pid deadline=$((SECONDS + 20))
    if alive "$1"; then
        pid=$(pid_of "$1")
        kill -"$2" "$pid" 2>/dev/null || true
        while alive "$1"; do
            if ((SECONDS > deadline)); then
                say "$1 (pid $pid) does not end, killing it"
                kill -KILL "$pid" 2>/dev/null || true
                deadline=$((SECONDS + 20))
            fi
            sleep 0.05
        done
    fi
    rm -f "$data/pid/$1"
}

show_status() {
    local name state
    say "stack in $dir, provider $(setting provider)," \
        "http://127.0.0.1:$(setting port)"
    for name in $(wanted_servers); do
        if alive "$name"; then
            state="pid $(pid_of "$name")"
        else
            state='not running'
        fi
        printf '  %-10s %-14s %s\n' "$name" "$state" "$dir/data/log/$name.log"
    done
    all_run
}
