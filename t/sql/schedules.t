#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Schedules: what is taken, that each tick becomes one job, and what becomes of
# ticks that were missed, met by a running job, or failed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

my $e = Igjobs::Engine->new;
my $json = JSON::PP->new->utf8->canonical;
my $number = 0;

sub api {
    my ($name, $params, $tenant) = @_;
    my $answer = $e->call("api_$name" => { tenant => $tenant // 'default' },
                          $params);
    return ($answer->{status}, $json->decode($answer->{body}));
}

# what the module sends for a description with accounts
sub params {
    my (%body) = @_;
    my $accounts = delete $body{accounts} // 120;
    my @batches = Igjobs::Engine::batches($accounts);

    my $described = { name => 'a' . ++$number, cron => '0 6 * * *', %body };

    return { body => $described } if $body{job_id};
    return { body => $described, job => { target_gender => 'any', max_count_per_account => 5,
                      keep_unknown => JSON::PP::true, target_count => 70 },
             platform => 'instagram', account_count => $accounts,
             accounts => join "\n\n", @batches };
}

sub create {
    my (%body) = @_;
    my ($status, $schedule) = api(create_schedule => params(%body));

    is $status, 201, "made: $schedule->{name}";
    return $schedule;
}

# the schedule's next tick was so many seconds ago
sub due {
    my ($schedule, $seconds) = @_;

    $e->sql("update igjobs.schedules set next_at = date_trunc('second', now())"
        . " - interval '$seconds s', retry_at = null"
        . " where schedule_id = '$schedule->{schedule_id}'");
    return;
}

sub run_due {
    my ($schedule) = @_;

    return $e->call(run_schedule => 'default', $schedule->{schedule_id});
}

sub jobs { return $e->sql('select count(*) from public.scrape_jobs') }

sub refused {
    my (%body) = @_;
    my ($status, $answer) = api(create_schedule => params(%body));

    return "$status $answer->{problem} " . ($answer->{detail} // '');
}

subtest 'a tick becomes a job, once' => sub {
    my $s = create(time_zone => 'Europe/Berlin');
    is_deeply [@$s{qw(state accounts missed overlap)}],
        ['active', 120, 'once', 'skip'], 'with what is usual';
    is scalar @{ $s->{next} }, 5, 'and says when it will run';
    is run_due($s)->{outcome}, 'none', 'nothing is due';

    due($s, 1);
    is_deeply [$e->all(due_schedules => 10)],
        [{ tenant => 'default', schedule_id => $s->{schedule_id} }],
        'it is due';
    my $other = $e->beside;
    $e->sql('begin');
    my $first = run_due($s);
    is $other->call(run_schedule => 'default',
                    $s->{schedule_id})->{outcome}, 'none',
        'somebody else is at it';
    $e->sql('commit');
    is $first->{outcome}, 'started', 'a job is submitted';
    is run_due($s)->{outcome}, 'none', 'not twice';

    my $row = $e->row($first->{job_id});
    is_deeply [@$row{qw(state account_count total_batches target_count)}],
        ['queued', 120, 3, 70], 'with what the schedule says';
    is $e->sql('select string_agg(accounts, e\'\n\n\' order by batch_no)'
        . " from igjobs.batch_accounts where job_id = '$first->{job_id}'"),
        join("\n\n", Igjobs::Engine::batches(120)), 'and its accounts';
    my (undef, $now) = api(schedule => { schedule => $s->{schedule_id} });
    is_deeply [map { @$_{qw(outcome job_id)} } @{ $now->{ticks} }],
        ['started', $first->{job_id}], 'which the log says';
    is $now->{last_job_id}, $first->{job_id}, 'and the schedule';
};

subtest 'the same tick again' => sub {
    my $s = create();
    due($s, 1);
    my $tick = $e->sql('select next_at from igjobs.schedules where'
        . " schedule_id = '$s->{schedule_id}'");
    my $job = run_due($s)->{job_id};
    my $before = jobs();

    # as after a restore of that row from a copy
    $e->sql("update igjobs.schedules set next_at = '$tick', last_job = null"
        . " where schedule_id = '$s->{schedule_id}'");
    isnt run_due($s)->{outcome}, 'started', 'is not started again';
    is jobs(), $before, 'no second job';
    ok $job, 'there was one';
};

subtest 'a job that still runs' => sub {
    my $s = create();
    due($s, 1);
    run_due($s);
    due($s, 0);
    is run_due($s)->{outcome}, 'overlap', 'the tick is left out';

    my $both = create(overlap => 'start');
    due($both, 2);
    run_due($both);
    due($both, 0);
    is run_due($both)->{outcome}, 'started', 'unless it was wished for';
};

subtest 'missed ticks' => sub {
    my $hours = 5 * 3600 + 600;
    my %outcomes;

    for my $missed (qw(once all skip)) {
        my $s = create(cron => '0 * * * *', missed => $missed,
                       overlap => 'start');
        due($s, $hours);
        my @outcomes;
        while ((my $outcome = run_due($s)->{outcome}) ne 'none') {
            push @outcomes, $outcome;
        }
        $outcomes{$missed} = \@outcomes;
    }
    is_deeply $outcomes{once}, ['started'], 'once: one job for all';
    cmp_ok scalar(grep { $_ eq 'started' } @{ $outcomes{all} }), '>=', 5,
        'all: one each';
    is scalar(grep { $_ ne 'started' } @{ $outcomes{all} }), 0, 'all of them';
    is $outcomes{skip}[0], 'missed', 'skip: none';
    cmp_ok scalar @{ $outcomes{skip} }, '<=', 2, 'but one that is not late';
};

subtest 'a job that cannot be submitted' => sub {
    my $s = create(cron => '0 0 1 1 *');
    due($s, 1);
    $e->sql("update igjobs.schedules set request = request - 'target_gender'"
        . " where schedule_id = '$s->{schedule_id}'");
    my $t = run_due($s);
    is $t->{outcome}, 'retry', 'is tried again';
    like $t->{error}, qr/not submissions/, 'the reason is known';
    is run_due($s)->{outcome}, 'none', 'after a pause';
    my (undef, $now) = api(schedule => { schedule => $s->{schedule_id} });
    like $now->{error}, qr/not submissions/, 'and told';

    $e->sql(q(update igjobs.schedules set request = request || '{"target_gender":)
        . qq("any"}', retry_at = now() where schedule_id = )
        . "'$s->{schedule_id}'");
    is run_due($s)->{outcome}, 'started', 'nothing was lost';

    my $often = create(cron => '* * * * *', missed => 'all');
    $e->sql("update igjobs.schedules set request = request - 'target_gender'"
        . " where schedule_id = '$often->{schedule_id}'");
    due($often, 120);
    is run_due($often)->{outcome}, 'failed', 'until the next one is due';
};

subtest 'pause, resume, delete' => sub {
    my $s = create();
    my $id = { schedule => $s->{schedule_id} };

    due($s, 1);
    my ($status, $paused) = api(pause_schedule => $id);
    is_deeply [$status, @$paused{qw(state next_at)}, $paused->{next}],
        [200, 'paused', undef, []], 'paused';
    is run_due($s)->{outcome}, 'none', 'does not run';
    is((api(pause_schedule => $id))[0], 200, 'again');
    my (undef, $active) = api(resume_schedule => $id);
    is $active->{state}, 'active', 'resumed';
    is run_due($s)->{outcome}, 'none', 'what it would have done is past';

    is((api(delete_schedule => $id))[0], 200, 'deleted');
    for my $call (qw(schedule pause_schedule delete_schedule)) {
        is((api($call => $id))[0], 404, "$call: not found");
    }
    is $e->sql('select count(*) from igjobs.schedule_accounts where'
        . " schedule_id = '$s->{schedule_id}'"), 0, 'with its accounts';
};

subtest 'of a job' => sub {
    my $job = $e->submit(70, max_count => 9, options => {
        target_count => 5, max_seconds => 600, parallelism => 3 });
    my $s = create(job_id => $job);
    is_deeply [@{ $s->{job} }{qw(target_count max_seconds parallelism
                                max_count_per_account)}], [5, 600, 3, 9],
        'its wishes are taken';
    due($s, 1);
    my $new = run_due($s)->{job_id};
    is $e->row($new)->{account_count}, 70, 'and its accounts';
    $e->sql("delete from igjobs.batch_accounts where job_id = '$job'"
        . ' and batch_no = 1');
    like refused(job_id => $job), qr/^409 job-state-conflict .*not stored/,
        'which must be there';
    like refused(job_id => Igjobs::Engine::job_id()), qr/^404 job-not-found/,
        'like the job';
    like refused(job_id => 'x'), qr/^404 job-not-found/, 'no id';
};

subtest 'what is refused' => sub {
    like refused(cron => '1 2 3'), qr/^400 bad-schedule .*five fields/,
        'no cron expression';
    like refused(time_zone => 'Mars/Base'), qr/^400 bad-schedule .*time_zone/,
        'no time zone';
    like refused(missed => 'maybe'), qr/"missed"/, 'no way with missed ones';
    like refused(overlap => 'maybe'), qr/"overlap"/, 'no way with overlaps';
    like refused(name => ''), qr/"name"/, 'no name';
    like refused(name => "a\nb"), qr/"name"/, 'a name of two lines';
    like refused(cron => 5), qr/"cron" must be a string/, 'a number';
    my ($status) = api(create_schedule => { body => {
        name => 'x', cron => '@daily' } });
    is $status, 400, 'without accounts';
};

subtest 'a name is one schedule' => sub {
    my $params = params(name => 'mine');
    my (undef, $first) = api(create_schedule => $params);
    my ($status, $again) = api(create_schedule => $params);
    is_deeply [$status, $again->{schedule_id}], [200, $first->{schedule_id}],
        'sent again';
    like refused(name => 'mine', cron => '0 7 * * *'),
        qr/^409 schedule-exists/, 'another one';
    is((api(create_schedule => $params, 'b'))[0], 201, 'of another tenant');
};

subtest 'the list' => sub {
    my ($page, @names) = ({ next_page_token => '' });
    do {
        (undef, $page) = api(schedules => { page_size => 3,
            page_token => $page->{next_page_token} });
        push @names, map { $_->{name} } @{ $page->{schedules} };
    } while ($page->{next_page_token} ne '');
    is_deeply \@names, [sort @names], 'by name';
    is scalar @names, $e->sql('select count(*) from igjobs.schedules'
        . " where tenant = 'default'"), 'all of them';
    is scalar @{ (api(schedules => {}, 'nobody'))[1]{schedules} }, 0,
        'tenants are apart';

    $e->sql("update igjobs.settings set value = '1'"
        . " where name = 'max_schedules'");
    like refused(), qr/^409 schedule-limit/, 'there is a limit';
};

done_testing;
