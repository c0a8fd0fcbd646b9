# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
# shellcheck shell=bash
#
# Completion of the command igjobs for bash: its commands and options are those
# that its --help shows.

_igjobs() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} command='' word commands words=''

    commands=$("$program" --help 2>/dev/null |
        sed -n 's/^  \([a-z][a-z-]*\)   .*/\1/p')
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ -z $command && " ${commands//$'\n'/ } " == *" $word "* ]]; then
            command=$word
        fi
    done

    case $previous in
    -f | --file | -o | --output)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return ;;
    --gender)  words='any male female' ;;
    --platform) words='instagram tiktok threads x' ;;
    --format)  words='csv ndjson json' ;;
    --status)
        words='queued processing completed failed'
        [[ $command != assignments ]] ||
            words='pending followed unfollow unfollowed completed' ;;
    --idempotency-key) words=auto ;;
    --error-class)
        words='internal unavailable refused no_actor rejected blocked unfinished lost' ;;
    *)
        if [[ $current == -* ]]; then
            words=$("$program" ${command:+"$command"} --help 2>/dev/null |
                sed -n 's/^  \(-[a-zA-Z], \)\{0,1\}\(--[a-z-]*\).*/\2/p')
        elif [[ -z $command ]]; then
            words=$commands
        elif [[ $previous == schedules ]]; then
            words='list create show pause resume delete'
        elif [[ $previous == source-profiles ]]; then
            words='list add remove'
        fi ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _igjobs igjobs
