#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What the roles of the module and of the worker may do, and that they may do
# nothing else.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my %session = map { $_ => $e->session(user => $_) }
    qw(igjobs_api igjobs_worker);

my %may = (
    igjobs_api => [qw(
        api_airtable_sync
        api_campaign
        api_campaign_assignments
        api_campaigns
        api_cancel
        api_create_base
        api_create_schedule
        api_create_source_profile
        api_daily_selection
        api_delete_completed
        api_delete_job
        api_delete_schedule
        api_delete_source_profile
        api_distribute
        api_explain
        api_ingest
        api_deliveries
        api_job
        api_job_accounts
        api_jobs
        api_mark_unfollow_due
        api_operation
        api_pause
        api_pause_schedule
        api_pool_stats
        api_redrive
        api_resend
        api_resume
        api_resume_schedule
        api_run_daily
        api_schedule
        api_schedules
        api_source_profiles
        api_sync_statuses
        api_verify_base
        end_once
        estimate_job
        filtered_rows
        ingest
        ingest_close
        ingest_open
        job_page
        joined
        once
        result_ranges
        result_rows
        setting
        stop_job
        submit
        submit_all
        submit_copied
        submit_with_key
        take_key
        token_key
        whole_rows
    )],
    igjobs_worker => [qw(
        airtable_freeze
        airtable_turn
        book_run
        breaker_answered
        claim
        claim_any
        count_backlog
        delivery_result
        drop_expired_keys
        drop_old_assignments
        drop_old_campaigns
        drop_old_deliveries
        drop_old_profiles
        drop_old_purchases
        due_schedules
        end_unit
        ensure_partitions
        erase_step
        expired_jobs
        fail_batch
        free_slots
        give_back
        idle_runs
        lead
        lease_deliveries
        note_purchases
        orphan_runs
        overdue_jobs
        renew
        run_absent
        run_intent
        run_is_over
        run_refused
        run_schedule
        run_started
        run_stray
        runnable
        setting
        settle_run
        split_run
        stop_job
        stop_overdue
        store_page
        sweep_job
        tell_breakers
        unit_step
        unsettled_runs
        worker_beat
    )],
);

for my $role (sort keys %may) {
    is $e->sql("select string_agg(proname, ' ' order by proname) from pg_proc"
        . " where pronamespace = 'igjobs'::regnamespace"
        . " and has_function_privilege('$role', oid, 'execute')"),
        join(' ', sort @{ $may{$role} }), "the functions of $role";
    is $e->sql("select string_agg(proname, ' ' order by proname) from pg_proc"
        . " where pronamespace = 'igjobs'::regnamespace and not prosecdef"
        . " and has_function_privilege('$role', oid, 'execute')"),
        $role eq 'igjobs_api'
            ? 'filtered_rows joined result_ranges result_rows whole_rows' : '',
        'which run as their owner, but for parts of a statement';
    is $e->sql("select string_agg(oid::regclass || ' ' || p, ', '"
        . ' order by relname, p) from'
        . " pg_class, unnest('{select,insert,update,delete,truncate}'::text[])"
        . " p where relnamespace in ('igjobs'::regnamespace,"
        . " 'public'::regnamespace) and relkind in ('r', 'p', 'v')"
        . " and has_table_privilege('$role', oid, p)"),
        $role eq 'igjobs_api' ? 'igjobs.batch_accounts insert,'
            . ' igjobs.ingest_units insert, igjobs.job_documents select, igjobs.result_chunks select,'
            . ' igjobs.results select, igjobs.whole_results select' : '',
        'its tables';
    is $e->sql("select has_schema_privilege('$role', 'igjobs', 'create'),"
        . " has_schema_privilege('$role', 'public', 'create'),"
        . " rolsuper or rolcreaterole or rolcreatedb or rolbypassrls"
        . " from pg_roles where rolname = '$role'"), 'f|f|f',
        'it creates nothing';
}
is $e->sql("select string_agg(p.oid::regprocedure::text, ', ') from pg_proc p,"
    . " aclexplode(coalesce(proacl, acldefault('f', proowner))) a"
    . " where pronamespace = 'igjobs'::regnamespace and a.grantee = 0"), '',
    'no function is everybody\'s';
is $e->sql("select string_agg(proname, ', ') from pg_proc"
    . " where pronamespace = 'igjobs'::regnamespace and prosecdef"
    . " and not 'search_path=pg_catalog, pg_temp' = any (proconfig)"), '',
    'what runs as its owner has a fixed search_path';
is $e->sql("select string_agg(distinct r.rolname, ', ') from pg_roles r"
    . ' join pg_class c on c.relowner = r.oid where c.relnamespace ='
    . " 'igjobs'::regnamespace or c.relname like 'scrape_%'"), 'igjobs_owner',
    'everything belongs to igjobs_owner';
is $e->sql("select rolcanlogin from pg_roles where rolname = 'igjobs_owner'"),
    'f', 'who cannot log in';

# in practice

my $job = $e->submit(50);
my %refused = (
    igjobs_api => [
        'select * from public.scrape_jobs',
        'select * from igjobs.batch_accounts',
        "delete from igjobs.batch_accounts where job_id = '$job'",
        "select * from igjobs.claim('default', '$job', '{}', 'w', 1)",
        'create table public.mine ()',
        'set role igjobs_owner',
    ],
    igjobs_worker => [
        'update public.scrape_jobs set state = state',
        'select * from public.scrape_results',
        'select * from igjobs.job_documents',
        "select igjobs.lock_job('default', '$job')",
        "select igjobs.set_cap('tenant:default', 1)",
        "select igjobs.submit('d', 'i', '$job', 'k', '{}', 1, 1, '{}')",
    ],
);
for my $role (sort keys %refused) {
    for my $sql (@{ $refused{$role} }) {
        like $session{$role}->try($sql), qr/^ERROR:  42501: permission denied/,
            "$role: $sql";
    }
}
like $session{igjobs_api}->run('select doc from igjobs.job_documents'
    . " where tenant = 'default' and job_id = '$job'"), qr/^\{"version":1,/,
    'the module reads documents';
like $session{igjobs_worker}->run(Igjobs::Engine::statement(
    claim => 'default', $job, Igjobs::Engine::KINDS, 'w', 1000)),
    qr/"answer":"batch"/, 'the worker claims';

# every index says which query it serves, every function what it does

is $e->sql("select string_agg(c.relname, ', ') from pg_class c"
    . ' join pg_index i on i.indexrelid = c.oid'
    . ' join pg_class t on t.oid = i.indrelid left join pg_constraint k'
    . " on k.conindid = c.oid and k.contype in ('p', 'u')"
    . " where c.relnamespace in ('igjobs'::regnamespace,"
    . " 'public'::regnamespace) and not t.relispartition"
    . " and t.relname <> 'migrations' and coalesce(obj_description(c.oid,"
    . " 'pg_class'), obj_description(k.oid, 'pg_constraint')) is null"), '',
    'indexes are explained';
is $e->sql("select string_agg(proname, ', ') from pg_proc"
    . " where pronamespace = 'igjobs'::regnamespace"
    . " and obj_description(oid, 'pg_proc') is null"), '',
    'functions are explained';

done_testing;
