# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""A client of the original's synchronous form, with Python's standard library.

One request, and the profiles are in its answer. Everything it was sent goes to
standard output: a word, a blank, the body of the answer.

    client_sync.py BASE-URL REQUEST-FILE
"""

import json
import sys
import urllib.request


def scrape(base, body):
    request = urllib.request.Request(
        base + "/api/scrape-followers", data=body, method="POST",
        headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        text = response.read().decode("utf-8")
    print("sync", text.strip(), flush=True)
    answer = json.loads(text)
    if not answer["success"]:
        raise SystemExit(answer["error"])
    return answer["data"]


def main():
    base, file = sys.argv[1:]
    with open(file, "rb") as request:
        data = scrape(base, request.read())
    rows = [(a["id"], a["username"], a["fullName"]) for a in data["accounts"]]
    if len(set(rows)) != data["totalFiltered"]:
        raise SystemExit(f"{len(set(rows))} of {data['totalFiltered']} accounts")
    if sum(data["genderDistribution"].values()) != data["totalScraped"]:
        raise SystemExit("genders do not add up")


main()
