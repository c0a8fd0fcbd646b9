#!/bin/sh
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# A client of the original's synchronous form, made of curl and sed: one
# request, and the profiles are in its answer. Everything it was sent goes to
# standard output: a word, a blank, the body of the answer.
#
#   client_sync.sh BASE-URL REQUEST-FILE
set -eu
base=$1 request=$2

# the value of the first member of that name, without quotes
member() {
    sed -n 's/.*[{,]"'"$1"'": *"\{0,1\}\([^",}]*\).*/\1/p'
}

answer=$(curl --silent --show-error --max-time 120 \
             -H 'Content-Type: application/json' --data-binary "@$request" \
             "$base/api/scrape-followers")
echo "sync $answer"
[ "$(echo "$answer" | member success)" = true ]

# what the old front-end reads; it fails without data.accounts
accounts=$(echo "$answer" | sed -n 's/.*"data":{"accounts":\[\(.*\)\].*/\1/p')
count=$(echo "$accounts" | grep -o '"username":' | wc -l)
[ "$count" -eq "$(echo "$answer" | member totalFiltered)" ]
