#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs submit with options: what the server is asked for, and a dry run.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Command;
use Igjobs::Stack;

my $stack = Igjobs::Stack->new;
$stack->start(qw(postgres redis nginx));
my $igjobs = Igjobs::Command->new('http://127.0.0.1:' . $stack->nginx->port);
my @limits = qw(--target-count 9007199254740992 --half-width 0.0125
    --max-cost 1234567.000001 --max-seconds 3600 --max-age 86400
    --max-failed-ratio 0.25 --parallelism 3 --random-seed x"1
    --callback-url https://a.example/?b);

subtest 'options' => sub {
    my $r = $igjobs->run(['submit', @limits, 'a']);

    is $r->{status}, 0, 'accepted' or diag $r->{err};
    chomp(my $id = $r->{out});
    is $stack->psql("select target_count, half_width, max_cost_usd,
            deadline - created_at, max_age_seconds, max_failed_ratio,
            parallelism, random_seed, callback_url
            from public.scrape_jobs where job_id = '$id'"),
        '9007199254740992|0.0125|1234567.000001|01:00:00|86400|0.25|3|x"1|'
        . 'https://a.example/?b', 'as they were written';
};

subtest 'what is wrong' => sub {
    like $igjobs->run([qw(submit --max-cost 5USD a)])->{err},
        qr/--max-cost takes a number, not "5USD"/, 'is noticed here';
    my $r = $igjobs->run([qw(submit --max-cost 0.0000001 a)]);
    is $r->{status}, 2, 'or refused by the server';
    like $r->{err}, qr/6 decimals/, 'with its reason';
    is $igjobs->run([qw(submit --dry-run --watch a)])->{status}, 2,
        'nothing to watch';
};

subtest 'a dry run' => sub {
    my $before = jobs();
    my $r = $igjobs->run(['submit', '--dry-run', @limits, '--count', 3000,
                          qw(a b A)]);

    is $r->{status}, 0, 'answered' or diag $r->{err};
    is $r->{out} =~ s/^cost .*\n//mgr, "accounts   2 of 3 given, 1 were there"
        . " twice, 0 are not valid\nbatches    1, 3 at once\n"
        . "followers  3,000 at most\ntime       not known\n", 'for people';
    $r = $igjobs->run(['submit', '--dry-run', '--json', 'a']);
    is JSON::PP::decode_json($r->{out})->{estimate}{followers}, 5,
        'and for programs';
    $r = $igjobs->run([qw(submit --dry-run a !)]);
    is $r->{status}, 2, 'one that would be refused';
    like $r->{err}, qr/would be refused: invalid-accounts/, 'says so';
    is jobs(), $before, 'nothing was stored';
};

$stack->finish;
done_testing;


sub jobs { return $stack->psql('select count(*) from public.scrape_jobs') }
