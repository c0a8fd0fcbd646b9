# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
# shellcheck shell=bash disable=SC2034,SC2154  # names of the others
#
# Where a quickstart stack lives. Sourced by quickstart.sh, which sets $here
# (the checkout) and $dir.
#
#   DIR/data      servers' data, programs, configuration, logs, pid files:
#                 a directory, or as root a link to one outside the checkout
#                 that the servers' account can reach
#   DIR/run       a link to a short private directory with the Unix sockets,
#                 whose names may have 107 bytes only
#   DIR/settings  name=value lines: port, provider, sim_port
#
# Servers never run as root: as root they run under Debian's "postgres".

say() {
    echo "$*"
}

# a step that takes a while, with the time that has passed
step() {
    printf '[%3d s] %s\n' "$SECONDS" "$*"
}

fail() {
    echo "quickstart: $*" >&2
    exit 1
}

is_root() {
    [[ $(id -u) == 0 ]]
}

# only one up or down at a time in a DIR
lock_place() {
    mkdir -p "$dir" || fail "cannot make $dir"
    exec 9>"$dir/lock" || fail "cannot write to $dir"
    flock -n 9 || fail "another quickstart works on $dir"
}

# true if the place is whole; then $data and $run are its directories, by paths
# that the servers' account can follow
place_exists() {
    [[ -e $dir/data/. && -e $dir/run/. && -r $dir/settings ]] || return 1
    resolve_place
}

resolve_place() {
    data=$(readlink -f "$dir/data")
    run=$(readlink -f "$dir/run")
}

# a private directory for the servers' account
private_dir() { # parent
    local made
    made=$(TMPDIR=$1 mktemp -d -t igjobs-XXXXXX) || fail "cannot write to $1"
    ! is_root || chown postgres:postgres "$made"
    echo "$made"
}

make_place() {
    local name
    if [[ ! -e $dir/data/. ]]; then
        rm -f "$dir/data"
        if is_root; then
            ln -s "$(private_dir /var/tmp)" "$dir/data"
        else
            mkdir -m 700 "$dir/data"
        fi
    fi
    if [[ ! -e $dir/run/. ]]; then # the first start, or /tmp was emptied
        rm -f "$dir/run"
        ln -s "$(private_dir /tmp)" "$dir/run"
    fi
    resolve_place
    for name in bin conf log pid redis nginx worker-1 worker-2 sim; do
        as_account mkdir -p "$data/$name"
    done
    install_programs
    choose_settings
}

# copies that the servers' account can read, wherever the checkout lies; new
# files take the place of old ones, which a running server may still use
install_programs() {
    local file to
    for file in build/igjobs-worker build/igjobs build/igjobs-sim \
        build/ngx_http_igjobs_module.so data/public-officials.jsonl; do
        to=$data/bin/${file##*/}
        cmp -s "$here/$file" "$to" && continue
        cp "$here/$file" "$to.new"
        chmod 755 "$to.new"
        mv "$to.new" "$to"
    done
}

setting() { # name
    sed -n "s/^$1=//p" "$dir/settings" 2>/dev/null || true
}

choose_settings() {
    local old_port old_provider old_sim_port
    old_port=$(setting port)
    old_provider=$(setting provider)
    old_sim_port=$(setting sim_port)
    if [[ -n $old_port && -n $port && $port != "$old_port" ]] ||
        [[ -n $old_provider && -n $provider &&
           $provider != "$old_provider" ]]; then
        stop_all # started with other options: these are for all of it
        old_port=
    fi
    port=${port:-${old_port:-$(first_free_port 8080)}}
    provider=${provider:-${old_provider:-sim}}
    {
        echo "port=$port"
        echo "provider=$provider"
        echo "sim_port=${old_sim_port:-$(first_free_port 18900)}"
    } >"$dir/settings.new"
    mv "$dir/settings.new" "$dir/settings"
}

port_free() { # port
    ! (exec 8<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

first_free_port() { # from
    local candidate=$1
    until port_free "$candidate"; do
        candidate=$((candidate + 1))
        ((candidate < $1 + 100)) || fail "no free port from $1 on"
    done
    echo "$candidate"
}

# runs a command under the servers' account, in a directory it may enter
as_account() {
    if is_root; then
        setpriv --reuid postgres --regid postgres --init-groups -- "$@"
    else
        "$@"
    fi
}

remove_place() {
    local link target
    for link in data run; do
        target=$(readlink "$dir/$link") || target=$dir/$link
        case $target in
        /tmp/igjobs-?????? | /var/tmp/igjobs-?????? | "$dir/data")
            rm -rf "$target" ;;
        esac
        rm -f "$dir/$link"
    done
    rm -f "$dir/settings" "$dir/settings.new" "$dir/lock"
    rmdir "$dir" 2>/dev/null || true
}
