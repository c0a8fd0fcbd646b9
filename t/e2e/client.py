# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
"""A client as users of the API write them, with Python's standard library.

Submits the request in a file, polls until the job has ended, reads all pages
of results. Everything it was sent goes to standard output: a word, a blank,
the body of the answer.

    client.py BASE-URL REQUEST-FILE LIMIT
"""

import json
import sys
import time
import urllib.request


def ask(word, request):
    with urllib.request.urlopen(request, timeout=60) as response:
        body = response.read().decode("utf-8")
    print(word, body.strip(), flush=True)
    data = json.loads(body)
    if not data["success"]:
        raise SystemExit(f"{word}: {data['error']}")
    return data


def submit(base, body):
    return ask("submit", urllib.request.Request(
        base + "/api/scrape-followers", data=body, method="POST",
        headers={"Content-Type": "application/json"}))


def wait(url):
    while True:
        status = ask("status", url)
        if status["status"] in ("completed", "failed"):
            return status
        time.sleep(0.05)


def profiles(url, limit):
    page = 1
    while True:
        answer = ask("page", f"{url}?page={page}&limit={limit}")
        yield from answer["profiles"]
        if len(answer["profiles"]) < limit:
            return
        page += 1


def main():
    base, file, limit = sys.argv[1:]
    with open(file, "rb") as request:
        job = submit(base, request.read())
    status = wait(base + job["status_url"])
    if status["status"] != "completed":
        raise SystemExit(status["error_message"])
    found = list(profiles(base + job["results_url"], int(limit)))
    if len(found) != status["total_filtered"]:
        raise SystemExit(f"{len(found)} of {status['total_filtered']} profiles")


main()
