/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Texts of the statements. */

#include "igj_statements.h"


#define IGJ_CLAIM_COLUMNS                                                    \
    "select answer, scope, wait_ms, tenant, job_id, batch_no, attempt, "     \
    "kind, class, phase, payload, accounts, job, runs, outcomes, failures, " \
    "losses, version, doc, token, allowance, probe "

#define IGJ_ANSWER_COLUMNS                                                   \
    "select answer, version, doc, final, state, wait_ms "


#define igj_sql(id, name, sql)  [id] = { id, name, sql }


const igj_pg_statement_t *
igj_statement(igj_sql_t id)
{
    static const igj_pg_statement_t  statements[IGJ_SQL_COUNT] = {

        igj_sql(IGJ_SQL_CLAIM, "igj_claim",
                IGJ_CLAIM_COLUMNS
                "from igjobs.claim($1::text, $2::uuid, "
                "string_to_array($3::text, ','), $4::text, $5::int, "
                "string_to_array($6::text, ',', ''), "
                "string_to_array($7::text, ',', ''), "
                "string_to_array($8::text, ',', '')::int[])"),

        igj_sql(IGJ_SQL_CLAIM_ANY, "igj_claim_any",
                IGJ_CLAIM_COLUMNS
                "from igjobs.claim_any(string_to_array($1::text, ','), "
                "$2::text, $3::int, string_to_array($4::text, ',', ''), "
                "string_to_array($5::text, ',', ''), "
                "string_to_array($6::text, ',', '')::int[])"),

        igj_sql(IGJ_SQL_RENEW, "igj_renew",
                "select job_id, batch_no, attempt, verdict, state, reason "
                "from igjobs.renew($1::uuid[], $2::int[], $3::int[], "
                "$4::int)"),

        igj_sql(IGJ_SQL_RUN_INTENT, "igj_run_intent",
                "select answer, run_no, token, allowance from "
                "igjobs.run_intent($1::text, $2::uuid, $3::int, $4::int, "
                "$5::text, $6::text, $7::text, $8::int)"),

        igj_sql(IGJ_SQL_RUN_STARTED, "igj_run_started",
                "select igjobs.run_started($1::text, $2::uuid, $3::int, "
                "$4::int, $5::int, $6::text, $7::text)"),

        igj_sql(IGJ_SQL_RUN_REFUSED, "igj_run_refused",
                "select igjobs.run_refused($1::text, $2::uuid, $3::int, "
                "$4::int, $5::int)"),

        igj_sql(IGJ_SQL_RUN_STRAY, "igj_run_stray",
                "select igjobs.run_stray($1::text, $2::uuid, $3::int, "
                "$4::int, $5::text)"),

        igj_sql(IGJ_SQL_RUN_ABSENT, "igj_run_absent",
                "select igjobs.run_absent($1::text, $2::uuid, $3::int, "
                "$4::int, $5::text, $6::int)"),

        igj_sql(IGJ_SQL_STORE_PAGE, "igj_store_page",
                "select answer, kept, batch_closed, version, doc, final, "
                "state, reason from igjobs.store_page($1::text, $2::uuid, "
                "$3::int, $4::int, $5::int, $6::bigint, $7::bigint, "
                "$8::boolean, $9::text, $10::numeric, $11::int, $12::int, "
                "$13::int, $14::int, $15::int, $16::text[], $17::text[], "
                "$18::text[], $19::text[], $20::real[], $21::text[], "
                "$22::text[], $23::jsonb, $24::int, $25::int)"),

        igj_sql(IGJ_SQL_SPLIT_RUN, "igj_split_run",
                "select answer, run_nos from igjobs.split_run($1::text, "
                "$2::uuid, $3::int, $4::int, $5::int, $6::text, "
                "$7::numeric, $8::text[], $9::jsonb, $10::int)"),

        igj_sql(IGJ_SQL_FAIL_BATCH, "igj_fail_batch",
                IGJ_ANSWER_COLUMNS
                "from igjobs.fail_batch($1::text, $2::uuid, $3::int, "
                "$4::int, $5::text, $6::text, $7::int, $8::text)"),

        igj_sql(IGJ_SQL_GIVE_BACK, "igj_give_back",
                IGJ_ANSWER_COLUMNS
                "from igjobs.give_back($1::text, $2::uuid, $3::int, "
                "$4::int)"),

        igj_sql(IGJ_SQL_WORKER_BEAT, "igj_worker_beat",
                "select igjobs.worker_beat($1::text, $2::int, $3::int, "
                "string_to_array($4::text, ','), "
                "string_to_array($5::text, ',', ''), "
                "string_to_array($6::text, ',', ''), $7::int)"),

        igj_sql(IGJ_SQL_LEAD, "igj_lead",
                "select leader, fence from igjobs.lead($1::text, $2::text, "
                "$3::int)"),

        igj_sql(IGJ_SQL_EXPIRED_JOBS, "igj_expired_jobs",
                "select tenant, job_id from igjobs.expired_jobs($1::int)"),

        igj_sql(IGJ_SQL_OVERDUE_JOBS, "igj_overdue_jobs",
                "select tenant, job_id from igjobs.overdue_jobs($1::int)"),

        igj_sql(IGJ_SQL_STOP_OVERDUE, "igj_stop_overdue",
                IGJ_ANSWER_COLUMNS
                "from igjobs.stop_overdue($1::text, $2::uuid)"),

        igj_sql(IGJ_SQL_SWEEP_JOB, "igj_sweep_job",
                "select requeued, dead, version, doc, final, state "
                "from igjobs.sweep_job($1::text, $2::uuid)"),

        igj_sql(IGJ_SQL_RUNNABLE, "igj_runnable",
                "select tenant, job_id, kind, class, parallelism, weight, "
                "turns, wait_ms from igjobs.runnable($1::text, $2::uuid, "
                "$3::int)"),

        igj_sql(IGJ_SQL_FREE_SLOTS, "igj_free_slots",
                "select igjobs.free_slots($1::text)"),

        igj_sql(IGJ_SQL_ORPHAN_RUNS, "igj_orphan_runs",
                "select tenant, job_id, batch_no, run_no, kind, token, "
                "provider, actor, run_id, intent_age_ms "
                "from igjobs.orphan_runs($1::int)"),

        igj_sql(IGJ_SQL_BOOK_RUN, "igj_book_run",
                "select igjobs.book_run($1::text, $2::uuid, $3::int, "
                "$4::int, $5::text, $6::numeric, $7::text, $8::text)"),

        igj_sql(IGJ_SQL_UNSETTLED_RUNS, "igj_unsettled_runs",
                "select tenant, job_id, batch_no, run_no, run_id, kind "
                "from igjobs.unsettled_runs($1::int)"),

        igj_sql(IGJ_SQL_SETTLE_RUN, "igj_settle_run",
                IGJ_ANSWER_COLUMNS
                "from igjobs.settle_run($1::text, $2::uuid, $3::int, "
                "$4::int, $5::numeric, $6::boolean)"),

        igj_sql(IGJ_SQL_ENSURE_PARTITIONS, "igj_ensure_partitions",
                "select igjobs.ensure_partitions($1::int)"),

        igj_sql(IGJ_SQL_COUNT_BACKLOG, "igj_count_backlog",
                "select is_full, cardinality(full_tenants), jobs, batches "
                "from igjobs.count_backlog($1::int * interval '1 ms')"),

        igj_sql(IGJ_SQL_DROP_EXPIRED_KEYS, "igj_drop_expired_keys",
                "select igjobs.drop_expired_keys($1::int)"),

        igj_sql(IGJ_SQL_NOTE_PURCHASES, "igj_note_purchases",
                "select igjobs.note_purchases($1::int)"),

        igj_sql(IGJ_SQL_DROP_OLD_PURCHASES, "igj_drop_old_purchases",
                "select igjobs.drop_old_purchases($1::int)"),

        igj_sql(IGJ_SQL_DROP_OLD_PROFILES, "igj_drop_old_profiles",
                "select igjobs.drop_old_profiles($1::int)"),

        igj_sql(IGJ_SQL_DROP_OLD_ASSIGNMENTS, "igj_drop_old_assignments",
                "select igjobs.drop_old_assignments($1::int)"),

        igj_sql(IGJ_SQL_DROP_OLD_CAMPAIGNS, "igj_drop_old_campaigns",
                "select igjobs.drop_old_campaigns($1::int)"),

        igj_sql(IGJ_SQL_DUE_SCHEDULES, "igj_due_schedules",
                "select tenant, schedule_id "
                "from igjobs.due_schedules($1::int)"),

        igj_sql(IGJ_SQL_RUN_SCHEDULE, "igj_run_schedule",
                "select outcome, job_id, error "
                "from igjobs.run_schedule($1::text, $2::uuid)"),

        igj_sql(IGJ_SQL_LEASE_DELIVERIES, "igj_lease_deliveries",
                "select tenant, job_id, seq, attempt, event_id, type, "
                "origin, url, payload, secrets from igjobs.lease_deliveries("
                "$1::text, $2::int, $3::int, $4::text, $5::text)"),

        igj_sql(IGJ_SQL_DELIVERY_RESULT, "igj_delivery_result",
                "select igjobs.delivery_result($1::uuid, $2::bigint, "
                "$3::int, $4::text, $5::int, $6::int, $7::text, $8::text, "
                "$9::bigint)"),

        igj_sql(IGJ_SQL_DROP_OLD_DELIVERIES, "igj_drop_old_deliveries",
                "select igjobs.drop_old_deliveries($1::int)"),

        igj_sql(IGJ_SQL_BREAKER_ANSWERED, "igj_breaker_answered",
                "select igjobs.breaker_answered($1::text, $2::text, "
                "$3::text)"),

        igj_sql(IGJ_SQL_IDLE_RUNS, "igj_idle_runs",
                "select tenant, job_id, batch_no, run_no, run_id, kind "
                "from igjobs.idle_runs($1::int)"),

        igj_sql(IGJ_SQL_RUN_IS_OVER, "igj_run_is_over",
                "select igjobs.run_is_over($1::text, $2::uuid, $3::int)"),

        igj_sql(IGJ_SQL_TELL_BREAKERS, "igj_tell_breakers",
                "select scope, state, wait_ms, reason "
                "from igjobs.tell_breakers()"),

        igj_sql(IGJ_SQL_ERASE_STEP, "igj_erase_step",
                "select igjobs.erase_step($1::int)"),

        igj_sql(IGJ_SQL_UNIT_STEP, "igj_unit_step",
                "select answer, result from igjobs.unit_step($1::text, "
                "$2::uuid, $3::int, $4::int, $5::text, $6::jsonb)"),

        igj_sql(IGJ_SQL_END_UNIT, "igj_end_unit",
                "select answer, version, doc, final, turns "
                "from igjobs.end_unit($1::text, $2::uuid, $3::int, "
                "$4::int, $5::jsonb)"),

        igj_sql(IGJ_SQL_AIRTABLE_TURN, "igj_airtable_turn",
                "select answer, wait_ms, good_ms "
                "from igjobs.airtable_turn($1::text, $2::text, $3::int)"),

        igj_sql(IGJ_SQL_AIRTABLE_FREEZE, "igj_airtable_freeze",
                "select igjobs.airtable_freeze($1::text, $2::int)"),
    };

    return &statements[id];
}
