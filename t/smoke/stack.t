#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The test library itself: servers start, answer, end, and nothing is left.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Igjobs::Stack;

my $stack = Igjobs::Stack->new(postgres => { migrated => 0 });
$stack->start(qw(postgres redis));

is $stack->psql('select 1 + 1'), '2', 'psql';
is_deeply [$stack->postgres->rows('values (1, null), (2, $$a$$)')],
    [['1', ''], ['2', 'a']], 'rows';
ok !eval { $stack->psql('select no_such_column'); 1 }, 'a bad query dies';
like $@, qr/no_such_column/, 'and says why';

is $stack->redis->command('SET', 'a', "1\r\n2"), 'OK', 'redis set';
is $stack->redis->command('GET', 'a'), "1\r\n2", 'redis get';
is $stack->redis->command('GET', 'b'), undef, 'redis nil';
is_deeply $stack->redis->command('LRANGE', 'c', 0, -1), [], 'redis list';
ok !eval { $stack->redis->command('NONE'); 1 }, 'a bad command dies';

my $pid = $stack->redis->pid;
$stack->redis->kill9;
$stack->redis->start;
isnt $stack->redis->pid, $pid, 'killed and started again';
is $stack->redis->command('GET', 'a'), undef, 'without its data';

$stack->postgres->restart;
is $stack->psql('select 1'), '1', 'postgres restarted';

$stack->finish;
done_testing;
