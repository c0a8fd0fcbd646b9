-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
--
-- What wrk sends and what it reports, told by the environment:
--
--   BENCH_PATHS  file of paths, one a line: requested in turn, again and again
--   BENCH_BODY   file: POSTed as JSON
--
-- The last line of the output is for Igjobs::Bench::Wrk.

local paths_file = os.getenv("BENCH_PATHS")
local body_file = os.getenv("BENCH_BODY")

if body_file then
    local file = assert(io.open(body_file, "rb"))
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = file:read("*a")
    file:close()
end

if paths_file then
    local requests, at = {}, 0

    function init(args)
        for path in io.lines(paths_file) do
            requests[#requests + 1] = wrk.format(nil, path)
        end
    end

    function request()
        at = at % #requests + 1
        return requests[at]
    end
end

function done(summary, latency, requests)
    local errors = summary.errors

    io.write(string.format(
        "bench requests=%d us=%d bytes=%d refused=%d broken=%d p50=%d"
        .. " p99=%d p999=%d max=%d\n",
        summary.requests, summary.duration, summary.bytes, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), latency.max))
end
