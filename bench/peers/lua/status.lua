-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
--
-- GET /api/job-status/{id}: the job's document as it stands in Redis, over a
-- pool of connections that are kept open.

local redis = require "nginx.redis"

local connection = redis:new()
connection:set_timeout(1000)

local ok = connection:connect("unix:" .. ngx.var.redis_socket)
if not ok then
    return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
end
if connection:get_reused_times() == 0 then
    connection:select(ngx.var.redis_db)
end

local document = connection:get("status:" .. ngx.var.job)
connection:set_keepalive(60000, 64)
if not document then
    return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE)
end

if document == ngx.null then
    ngx.status = ngx.HTTP_NOT_FOUND
    document = '{"success":false,"error":"Job ' .. ngx.var.job
               .. ' not found"}'
end
ngx.header.content_length = #document
ngx.print(document)
