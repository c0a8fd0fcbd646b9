#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The tables of campaigns: which base a request is about, when updated_at
# moves, what a front-end's role may do.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

# which base

sub base {
    my ($caller, $params) = @_;
    my ($given, $base, $problem) = map {
        $e->value($_ => { tenant => 'default', %$caller }, $params)
    } qw(base_given base_of base_problem);

    return join ' ', $given // '-', $base, $e->sql('select status ||'
        . " (body::json ->> 'problem') || ': ' || (body::json ->> 'error') from"
        . ' igjobs.base_problem(' . Igjobs::Engine::literal($caller) . ', '
        . Igjobs::Engine::literal($params) . ')') || 'fine';
}

my $none = '- default_instagram fine';
is base({}, {}), $none, 'no base';
is base({ base_id => ' ' }, { body => { base_id => '' } }), $none, 'empty';
is base({}, { body => [1] }), $none, 'a body that is a list';
is base({}, { body => { base_id => undef } }), $none, 'null';
is base({ base_id => ' appA_1 ' }, { body => { base_id => 'appB' } }),
    'appA_1 appA_1 fine', 'the header is first, and trimmed';
is base({}, { body => { base_id => "\tappB\n" }, base_id => 'appC' }),
    'appB appB fine', 'then the body';
is base({}, { base_id => 'appC' }), 'appC appC fine', 'then the query string';
is base({}, { base_id => 'default_instagram' }),
    'default_instagram default_instagram fine', 'the default by its name';
for my $wrong ('app', 'apple-1', 'tbl123', 'appé', 7) {
    is base({}, { body => { base_id => $wrong } }), "$wrong $wrong"
        . " 400invalid-base-id: Invalid base_id format: $wrong",
        "wrong: $wrong";
}
$e->sql("update igjobs.settings set value = 'on'"
    . " where name = 'base_id_required'");
is base({}, {}), '- default_instagram 400base-id-required: base_id is'
    . " required. Please provide it via 'X-Base-Id' header or 'base_id' in"
    . ' request body.', 'none where one is required';
is base({ base_id => 'appA' }, {}), 'appA appA fine', 'one';

# updated_at

my $assignment = $e->sql('insert into public.daily_assignments (campaign_id,'
    . " id, username) values (gen_random_uuid(), '1', 'anna')"
    . ' returning assignment_id');

# is updated_at what it was a minute ago, or as we said, after this change?
sub moved {
    my ($change) = @_;

    $e->sql("update daily_assignments set updated_at = now() - interval '1"
        . " minute'");
    $e->sql("update daily_assignments set $change");
    return $e->sql("select updated_at > now() - interval '30 seconds'"
        . ' from daily_assignments');
}

is moved("status = 'followed'"), 't', 'a new status moves updated_at';
is moved('va_table_number = 1, position = 2'), 't', 'a place too';
is moved("airtable_record_id = 'rec1', synced_status = 'followed'"), 'f',
    'what is noted about Airtable does not';
is moved("status = 'followed'"), 'f', 'nor does the same status';
is moved("status = 'completed', updated_at = now() - interval '1 day'"), 'f',
    'who sets it keeps what was set';
$e->sql('insert into scraping_jobs (updated_at) values (now()'
    . " - interval '1 day')");
$e->sql('update scraping_jobs set num_vas = 3');
is $e->sql("select updated_at > now() - interval '1 minute'"
    . ' from scraping_jobs'), 't', 'a set-up has one as well';

# front-ends: a role that comes later, through sql/migrate

my @all = qw(campaigns daily_assignments global_usernames raw_scraped_profiles
    scraping_jobs source_profiles);

$e->sql('create role anon login; create role authenticated login');
$e->sql('insert into campaigns (campaign_date, tenant)'
    . " select '2025-10-14', t from unnest('{default,acme}'::text[]) t;"
    . ' insert into global_usernames (id, username, tenant)'
    . " select '1', 'anna', t from unnest('{default,acme}'::text[]) t;"
    . ' insert into source_profiles (id, username, tenant)'
    . " select t, 'anna', t from unnest('{default,acme}'::text[]) t");
is system(Igjobs::Env::root() . "/sql/migrate --front-end 'nobody there'"
    . " --dsn '" . $e->postgres->dsn(user => 'postgres') . "' 2>&1"
    . " | grep -q \"role 'nobody there' was granted nothing\""), 0,
    'sql/migrate --front-end: a role that does not exist is named';
for my $role (qw(anon authenticated)) {
    is $e->postgres->migrate('--front-end', $role), '',
        "sql/migrate --front-end $role" for 1, 2;
    is $e->sql("select string_agg(oid::regclass || ' ' || p, ', '"
        . ' order by relname, p) from'
        . " pg_class, unnest('{select,insert,update,delete,truncate}'::text[])"
        . " p where relnamespace in ('igjobs'::regnamespace,"
        . " 'public'::regnamespace) and relkind in ('r', 'p', 'v')"
        . " and has_table_privilege('$role', oid, p)"),
        'campaigns select, global_usernames select, source_profiles delete,'
        . ' source_profiles insert, source_profiles select, source_profiles'
        . ' update', "$role: its tables";
    is $e->sql("select has_schema_privilege('$role', 'igjobs', 'usage')"), 'f',
        "$role: nothing of schema igjobs";

    my $s = $e->session(user => $role);
    is $s->run("select count(*) from $_"), 1, "$role: $_ of tenant default"
        for qw(campaigns global_usernames source_profiles);
    $s->run("insert into source_profiles (id, username) values ('x', 'bert')");
    $s->run("update source_profiles set username = 'carl' where id = 'x'");
    like $s->try('insert into source_profiles (id, username, tenant)'
        . " values ('y', 'dora', 'acme')"), qr/row-level security/,
        "$role: writes nothing of another tenant";
    like $s->try("update source_profiles set tenant = 'acme'"),
        qr/row-level security/, "$role: gives nothing away";
    like $s->try("insert into source_profiles (id, username) values"
        . " ('z', 'carl')"), qr/source_profiles_username_key/,
        "$role: a name is there once";
    $s->run('delete from source_profiles');
    is $e->sql('select string_agg(id, $$ $$) from source_profiles'), 'acme',
        "$role: deletes only what it sees";
    $e->sql("insert into source_profiles (id, username) values ('d', 'anna')");
}
is $e->sql('select string_agg(relname, $$ $$ order by relname) from pg_class'
    . ' where relrowsecurity'), "@all", 'all of them have row level security';

done_testing;
