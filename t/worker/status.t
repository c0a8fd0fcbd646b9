#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The status document in Redis: every version that is published is newer than
# the one before, the last is the job's end, and the copy agrees with Postgres.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP ();
use Igjobs::Queue;
use Igjobs::Stack;
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(
    sim => { args => ['--run-ms', 30] },
    worker => { args => ['--lanes=8', '--sweep=200ms', '--page-size=50'] });
$stack->start(qw(postgres redis sim));
my $queue = Igjobs::Queue->new($stack);

my $events = IO::Socket::UNIX->new(Peer => $stack->redis->socket_path)
    or die "redis: $!";
print $events "PSUBSCRIBE igjobs:events:default:*\r\n";
$events->flush;
my $text = '';
sub collect {
    while (IO::Select->new($events)->can_read(0)) {
        sysread $events, $text, 65536, length $text or last;
    }
    return;
}
wait_for { collect(); $text =~ /psubscribe/ } 10, 'the subscription';

$stack->start('worker');
my $job = $queue->submit(accounts => [names(1 .. 2000)], max_count => 5);
wait_for { collect(); $text =~ /"state":"completed"/ } 60, 'the last event';

my @docs = map { JSON::PP->new->utf8->decode($_) }
    grep { /$job/ } $text =~ /^(\{"version":.*\})\r$/mg;
my @versions = map { $_->{version} } @docs;
is_deeply \@versions, [sort { $a <=> $b } @versions], 'versions only rise';
is scalar(keys %{ { map { ($_, 1) } @versions } }), scalar @versions,
    'none comes twice';
cmp_ok scalar @versions, '>', 10, 'there are many';
is_deeply [map { $_->{progress} } @docs],
    [sort { $a <=> $b } map { $_->{progress} } @docs], 'progress only rises';
is scalar(grep { $_->{progress} == 100 } @docs), 1,
    'and is 100 at the end only';
is $docs[0]{state}, 'running', 'the first is the start of the job';
is $docs[-1]{version}, $queue->document($job)->{version},
    'the last is what Postgres has';

my $key = "igjobs:status:default:$job";
is $stack->redis->command('GET', $key),
    $stack->psql("select doc from public.scrape_jobs where job_id = '$job'"),
    'the copy in Redis is the same text';
my $ttl = $stack->redis->command('PTTL', $key);
ok $ttl > 5000 && $ttl <= 60_000, 'and lives for the time of an ended job';
close $events;

$stack->finish;
done_testing;
