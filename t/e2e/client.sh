#!/bin/sh
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A client as users of the API write them: curl and sed, nothing else. Submits
# the request in a file, polls until the job has ended, reads all pages of
# results. Everything it was sent goes to standard output: a word, a blank, the
# body of the answer.
#
#   client.sh BASE-URL REQUEST-FILE LIMIT
set -eu
base=$1 request=$2 limit=$3

# the value of a member of one flat line of JSON, without quotes
member() {
    sed -n 's/.*[{,]"'"$1"'": *"\{0,1\}\([^",}]*\).*/\1/p'
}

ask() {
    curl --silent --show-error --max-time 60 "$@"
}

answer=$(ask -H 'Content-Type: application/json' --data-binary "@$request" \
             "$base/api/scrape-followers")
echo "submit $answer"
[ "$(echo "$answer" | member success)" = true ]
job=$(echo "$answer" | member job_id)
status_url=$(echo "$answer" | member status_url)

while :; do
    answer=$(ask "$base$status_url")
    echo "status $answer"
    case $(echo "$answer" | member status) in
    completed) break ;;
    failed) exit 1 ;;
    queued | processing) sleep 0.05 ;;
    *) exit 2 ;;
    esac
done

page=1 read=0
while :; do
    answer=$(ask "$base/api/job-results/$job?page=$page&limit=$limit")
    echo "page $answer"
    [ "$(echo "$answer" | member success)" = true ]
    read=$((read + limit))
    [ "$read" -lt "$(echo "$answer" | member total)" ] || break
    page=$((page + 1))
done
