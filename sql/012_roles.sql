-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Who may do what. The module submits and reads, the worker runs the engine,
-- neither touches a table except the one that a submission copies into.

revoke all on all functions in schema igjobs from public;
revoke all on all tables in schema igjobs from public;

grant usage on schema igjobs to igjobs_api, igjobs_worker;

grant insert on igjobs.batch_accounts to igjobs_api;
grant select on igjobs.job_documents, igjobs.result_chunks, igjobs.results
    to igjobs_api;
grant execute on function
    igjobs.submit_all(
        text, text[], text[], uuid[], text[], integer[], boolean[],
        integer[], text[], text[], boolean),
    igjobs.submit(text, text, uuid, text, jsonb, integer, integer, text[]),
    igjobs.submit_copied(text, uuid),
    igjobs.job_page(text, uuid),
    igjobs.result_ranges(text, uuid, bigint, integer),
    igjobs.joined(text[], boolean, integer, integer, text),
    igjobs.result_rows(text, uuid, bigint, integer, text)
to igjobs_api;

grant execute on function
    igjobs.claim(
        text, uuid, text[], text, integer, text[], text[], integer[]),
    igjobs.claim_any(text[], text, integer, text[], text[], integer[]),
    igjobs.renew(uuid[], integer[], integer[], integer),
    igjobs.run_intent(
        text, uuid, integer, integer, text, text, text, integer),
    igjobs.run_started(text, uuid, integer, integer, integer, text, text),
    igjobs.run_refused(text, uuid, integer, integer, integer),
    igjobs.run_stray(text, uuid, integer, integer, text),
    igjobs.run_absent(text, uuid, integer, integer, text, integer),
    igjobs.split_run(
        text, uuid, integer, integer, integer, text, numeric, text[], jsonb,
        integer),
    igjobs.store_page(
        text, uuid, integer, integer, integer, bigint, bigint, boolean, text,
        numeric, integer, integer, integer, integer, integer, text[], text[],
        text[], text[], real[], text[], text[], jsonb, integer, integer),
    igjobs.fail_batch(
        text, uuid, integer, integer, text, text, integer, text),
    igjobs.give_back(text, uuid, integer, integer),
    igjobs.expired_jobs(integer),
    igjobs.sweep_job(text, uuid),
    igjobs.runnable(text, uuid, integer),
    igjobs.lead(text, text, integer),
    igjobs.orphan_runs(integer),
    igjobs.book_run(
        text, uuid, integer, integer, text, numeric, text, text),
    igjobs.ensure_partitions(integer)
to igjobs_worker;

grant execute on function
    igjobs.stop_job(text, uuid, text),
    igjobs.setting(text)
to igjobs_api, igjobs_worker;
