#!/usr/bin/env bash
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# quickstart: a private igjobs stack on this machine, and a real job on it.
#
#   ./quickstart.sh [up|demo|down|status] [--port N] [--dir DIR]
#                   [--provider sim|apify]
#
#   up       install what is missing, build, start Postgres, Redis, the provider
#            simulator, nginx with the module and two workers; return when all
#            is ready. Where all runs already, nothing is done
#   demo     submit a job through the API, show its progress and its result
#   down     stop everything and remove what "up" made
#   status   what runs, and where its log is
#   (none)   up, then demo; the stack stays up
#
#   --port N         where nginx listens on 127.0.0.1 (8080, or the next free)
#   --dir DIR        where the stack lives (.stack)
#   --provider apify the real provider instead of the simulator; needs
#                    APIFY_API_KEY and APIFY_ACTOR_ID in the environment, and
#                    then there is no demo: every job costs money
#
# Only Unix sockets and loopback addresses are used. As root, everything runs
# under the account "postgres" with its data in /var/tmp.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin   # nginx; not on everybody's path
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    sed -n '4,25s/^# \{0,1\}//p' "$here/quickstart.sh"
    exit "$1"
}

command=
port=
dir=$here/.stack
provider=
while [[ $# -gt 0 ]]; do
    case $1 in
    up | demo | down | status)
        [[ -z $command ]] || usage 2 >&2
        command=$1 ;;
    --port)     port=${2:?--port needs a number}; shift ;;
    --dir)      dir=${2:?--dir needs a directory}; shift ;;
    --provider) provider=${2:?--provider needs sim or apify}; shift ;;
    --help | -h) usage 0 ;;
    *)
        echo "quickstart: what is \"$1\"?" >&2
        usage 2 >&2 ;;
    esac
    shift
done
[[ $dir == /* ]] || dir=$PWD/$dir
# nobody else's Postgres
unset "${!PG@}"

# shellcheck source=stack/place.sh
. "$here/stack/place.sh"
# shellcheck source=stack/servers.sh
. "$here/stack/servers.sh"

check_options() {
    if [[ -n $port ]] && ! [[ $port =~ ^[0-9]{1,5}$ && $port -ge 1 &&
                              $port -le 65535 ]]; then
        fail "--port takes a number from 1 to 65535, not \"$port\""
    fi
    case $provider in
    '' | sim) ;;
    apify)
        [[ -n ${APIFY_API_KEY-} &&
           -n ${INSTAGRAM_APIFY_ACTOR_ID-}${APIFY_ACTOR_ID-} ]] ||
            fail "--provider apify needs APIFY_API_KEY and APIFY_ACTOR_ID" \
                "in the environment" ;;
    *) fail "--provider takes sim or apify, not \"$provider\"" ;;
    esac
}

up() {
    lock_place
    if place_exists && all_run; then
        check_unchanged
        say "igjobs runs already: http://127.0.0.1:$(setting port)"
        return
    fi
    "$here/stack/packages" check build run 2>/dev/null ||
        step "installing packages"
    "$here/stack/packages" install build run
    step "building"
    build
    step "starting"
    make_place
    start_all
    step "ready: http://127.0.0.1:$(setting port) (logs: $dir/data/log)"
}

# the options of a running stack cannot be changed under it
check_unchanged() {
    if [[ -n $port && $port != "$(setting port)" ]] ||
        [[ -n $provider && $provider != "$(setting provider)" ]]; then
        fail "the stack in $dir runs with --port $(setting port)" \
            "--provider $(setting provider); \"./quickstart.sh down\" first"
    fi
}

build() {
    local log
    log=$(mktemp)
    if ! make -C "$here" -j"$(nproc)" module worker client sim >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        fail "the build failed; \"make\" shows all of it"
    fi
    rm -f "$log"
}

demo() {
    if ! place_exists || ! all_run; then
        fail "nothing runs in $dir: start it with \"./quickstart.sh up\""
    fi
    if [[ $(setting provider) != sim ]]; then
        say "No demo with the real provider: its runs cost money." \
            "Submit a job of your own:"
        say "  curl -s http://127.0.0.1:$(setting port)/api/scrape-followers" \
            "-H 'Content-Type: application/json'" \
            "-d '{\"accounts\":[\"NAME\"],\"totalScrapeCount\":100}'"
        return
    fi
    "$here/stack/demo" --port "$(setting port)" --socket "$run" \
        --client "$dir/data/bin/igjobs" \
        --officials "$here/data/public-officials.jsonl"
}

down() {
    if [[ ! -e $dir ]]; then
        say "nothing to stop in $dir"
        return
    fi
    lock_place
    resolve_place
    stop_all
    remove_place
    say "igjobs is stopped and removed"
}

status() {
    if ! place_exists; then
        say "nothing runs in $dir"
        exit 3
    fi
    show_status
}

check_options
case $command in
up)     up ;;
demo)   demo ;;
down)   down ;;
status) status ;;
'')
    up
    demo ;;
esac
