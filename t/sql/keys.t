#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Idempotency keys: whose a key is, what two transactions at once see of it,
# when it is forgotten.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

use constant ROUTE => 'POST /api/scrape-followers';

my $e = Igjobs::Engine->new;
my $api = $e->session(user => 'igjobs_api');
my $other = $e->beside;

# the arguments of submit_with_key: $body stands for a fingerprint
sub submission {
    my ($key, $body, %option) = @_;

    return ('scrape_followers', $option{route} // ROUTE,
            $option{tenant} // 'default', 'instagram',
            $option{job} // Igjobs::Engine::job_id(), $option{gender} // 'any',
            5, undef, 60, join("\n\n", Igjobs::Engine::batches(60)), $key,
            '\\x' . unpack('H*', $body), $option{options});
}

sub submit { return $e->call(submit_with_key => submission(@_)) }

sub jobs { return $e->sql('select count(*) from public.scrape_jobs') }

# one after the other

my $job = Igjobs::Engine::job_id();
my $stored = { outcome => 'stored', job_id => $job, class => 'small',
               parallelism => 8 };
is_deeply submit(a => 'body', job => $job), $stored, 'a job is stored';
is $e->row($job)->{total_batches}, 2, 'with its batches';
is_deeply submit(a => 'body', job => $job), $stored,
    'its own repeat is answered alike';
is_deeply submit(a => 'body'), { outcome => 'replayed', job_id => $job,
    class => undef, parallelism => undef }, 'another request is told of it';
is submit(a => 'other')->{outcome}, 'reused', 'another body is refused';
is jobs(), 1, 'one job';
is submit(b => 'body')->{outcome}, 'stored', 'another key';
is submit(a => 'body', tenant => 'other')->{outcome}, 'stored',
    'the key of another tenant';
is submit(a => 'body', route => 'POST /api/other')->{outcome}, 'stored',
    'the key on another route';
is jobs(), 4, 'are other requests';
my ($asked) = submit(options => 'body', options => '{"target_count":5}');
is $e->row($asked->{job_id})->{target_count}, 5, 'options come along';

is $e->error(submit_with_key => submission(bad => 'body', gender => 'x')),
    '22023', 'what is refused';
is submit(bad => 'body')->{outcome}, 'stored', 'leaves no key';

# at once

sub at_once {
    my ($end, $key, $body) = @_;
    my ($first, @answers) = $e->session;

    $first->run('begin');
    $first->run(Igjobs::Engine::statement(
        submit_with_key => submission($key, 'body')));
    push @answers, submit($key, $body)->{outcome};
    $first->run($end);
    return "@answers, " . submit($key, $body)->{outcome};
}

is at_once('commit', c => 'body'), 'in_progress, replayed',
    'the first is in progress, then committed';
is at_once('commit', d => 'other'), 'in_progress, reused',
    'likewise with another body';
is at_once('rollback', e => 'body'), 'in_progress, stored',
    'the first is rolled back';

my $first = $e->session;
$first->run('begin');
$first->run(Igjobs::Engine::statement(
    submit_with_key => submission(f => 'body')));
$e->sql('alter function igjobs.take_key set lock_timeout = 0');
$other->send(submit_with_key => submission(f => 'body'));
$other->{session}->wait_blocked;
$first->run('commit');
is $other->answer->{outcome}, 'replayed', 'the second waits for the commit';
$e->sql("alter function igjobs.take_key set lock_timeout = '100ms'");

# a large one: the key comes first, rows are copied behind it

my $take = Igjobs::Engine::statement(take_key => 'default', ROUTE, 'large',
                                     '\\x01', $job);
$api->run('begin');
like $api->run($take), qr/"outcome":"stored","job_id":"$job"/,
    'the key of a large job';
is $api->run('show lock_timeout'), '0', 'only the key is waited for so shortly';
is submit(large => 'body')->{outcome}, 'in_progress', 'is taken';
$api->run('rollback');
is submit(large => 'body')->{outcome}, 'stored', 'and free again';

# the end of a key

sub age {
    my ($key, $hours) = @_;

    $e->sql('update igjobs.idempotency_keys set created_at = now()'
        . " - interval '$hours' where key = '$key'");
    return;
}

age(b => '23 hours 59 minutes');
is submit(b => 'body')->{outcome}, 'replayed', 'a key is known for 24 hours';
age(b => '24 hours 1 minute');
is submit(b => 'other')->{outcome}, 'stored', 'then it is as good as new';
is submit(b => 'other')->{outcome}, 'replayed', 'and known again';

age(b => '25 hours');
is at_once('commit', b => 'body'), 'in_progress, replayed',
    'two at once with an expired key';

my $keys = $e->sql('select count(*) from igjobs.idempotency_keys');
age($_ => '25 hours') for qw(b c d);
age(e => '26 hours');
is $e->value(drop_expired_keys => 3), 3, 'expired keys go in steps';
is $e->sql("select string_agg(key, ' ') from igjobs.idempotency_keys"
    . ' where created_at < igjobs.oldest_key()') =~ /e/, '',
    'the oldest first';
is $e->value(drop_expired_keys => 3), 1, 'the rest';
is $e->value(drop_expired_keys => 3), 0, 'and no other';
is $e->sql('select count(*) from igjobs.idempotency_keys'), $keys - 4,
    'which stay';

$e->sql("update igjobs.settings set value = '0.5'"
    . " where name = 'idempotency_keep_hours'");
age(a => '31 minutes');
is submit(a => 'other')->{outcome}, 'stored', 'a setting says how long';

done_testing;
