#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Ingestion: what comes into the pool, conflicts on either of its keys, calls
# that repeat themselves, many at once.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Engine;

use constant SESSIONS => 8;
use constant CALLS => 12;
use constant PEOPLE => 300;

my $e = Igjobs::Engine->new;
my $number = 0;

sub caller_of {
    my (%option) = @_;

    return { tenant => $option{tenant} // 'default',
             $option{base} ? (base_id => $option{base}) : () };
}

sub lines { return join '', map { join("\t", @$_[0, 1], $_->[2] // '') . "\n" } @_ }

# the arguments of igjobs.ingest: profiles are [id, username, full name]
sub ingestion {
    my ($profiles, %option) = @_;
    my $digest = $option{key}
        ? '\\x' . unpack('H*', $option{body} // 'body') : undef;

    return (caller_of(%option),
            { call => $option{call} // Igjobs::Engine::job_id(),
              body => { base_id => $option{body_base} },
              given => scalar @$profiles, invalid => $option{invalid} // 0,
              queued => JSON::PP::false },
            lines(@$profiles), $option{key}, $digest);
}

sub answer { return $e->call(ingest => ingestion(@_)) }

# inserted, added, skipped; or the status and the problem
sub ingest {
    my $a = answer(@_);
    my $body = JSON::PP::decode_json($a->{body});

    return $a->{status} == 200
        ? join ' ', @$body{qw(inserted_raw added_to_global skipped_existing)}
        : "$a->{status} $body->{problem}";
}

# the pool of a base: id username full_name, and * if used
sub pool {
    my ($base, $tenant) = @_;

    return $e->sql("select coalesce(string_agg(concat_ws(' ', id, username,"
        . " nullif(full_name, '')) || case when used then '*' else '' end,"
        . " ', ' order by id), '') from public.global_usernames where"
        . " tenant = '" . ($tenant // 'default') . "' and base_id = '"
        . ($base // 'default_instagram') . "'");
}

sub raw {
    my ($base) = @_;

    return $e->sql('select count(*) from public.raw_scraped_profiles where'
        . " base_id = '$base'");
}

sub fresh { return 'app' . ++$number }

# new ones, known ones

is ingest([]), '0 0 0', 'nothing';
is ingest([['2', 'b', 'B B'], ['1', 'a']]), '2 2 0', 'two profiles';
is pool(), '1 a, 2 b B B', 'are in the pool';
is ingest([['1', 'a'], ['3', 'c', "C \\ 'c'"]]), '2 1 1', 'one is known';
is pool(), "1 a, 2 b B B, 3 c C \\ 'c'", 'one is new';
is $e->sql("select string_agg(concat_ws(' ', id, username, full_name), ', '"
    . ' order by row_no) from public.raw_scraped_profiles'),
    "2 b B B, 1 a , 1 a , 3 c C \\ 'c'", 'the raw rows are all of them';
is $e->sql('select count(distinct scraped_at) from'
    . ' public.raw_scraped_profiles'), 3 - 1, 'a call has one time';
is ingest([['1', 'a']], tenant => 'other'), '1 1 0', 'another tenant';
is ingest([['1', 'a']], base => 'appA'), '1 1 0', 'another base, by header';
is ingest([['1', 'a']], body_base => 'appA'), '1 0 1', 'by body';
is ingest([['1', 'a']], base => 'x'), '400 invalid-base-id', 'a wrong base';

# conflicts on either key

sub used { $e->sql("update public.global_usernames set used = true, used_at ="
    . " now() where base_id = '$_[0]'") }

sub conflict {
    my ($there, $came, $counts, $pool, $what) = @_;
    my $base = fresh();

    ingest($there, base => $base);
    used($base);
    is ingest($came, base => $base), $counts, $what;
    is pool($base), $pool, 'the pool then';
    is ingest($came, base => $base),
        @$came . ' 0 ' . @$came, 'again: nothing is new'
        if $counts !~ / 0 0$/;
    return;
}

conflict([['1', 'a', 'A']], [['1', 'b']], '1 0 1', '1 b A*',
    'a known id with a new username');
conflict([['1', 'a', 'A']], [['1', 'b', 'B']], '1 0 1', '1 b B*',
    'and a new name');
conflict([['1', 'a'], ['2', 'b']], [['1', 'b']], '1 0 1', '1 a*, 2 b*',
    'a username that another one has');
conflict([['a', 'a']], [['1', 'a', 'A']], '1 0 1', '1 a A*',
    'a known username with a new id');
conflict([['1', 'a']], [['2', 'a'], ['1', 'c']], '2 1 1', '1 c*, 2 a',
    'a username that is handed on');
conflict([['1', 'a'], ['2', 'b']], [['1', 'b'], ['2', 'a']], '2 0 2',
    '1 a*, 2 b*', 'two that change places stay');
conflict([['1', 'a'], ['3', 'c']], [['1', 'c'], ['2', 'a']], '2 0 2',
    '1 a*, 3 c*', 'a row is not renumbered while its own id comes');
conflict([['1', 'a']], [['1', 'a', '']], '1 0 1', '1 a*',
    'no name is no new one');

# repeats in one call

my $base = fresh();
is ingest([['1', 'a', 'old'], ['2', 'b'], ['1', 'a', 'new'], ['1', 'c'],
           ['3', 'b']], base => $base), '5 2 3', 'repeats by either key';
is pool($base), '1 c, 3 b', 'the last one counts';
is raw($base), 5, 'each is a raw row';
$base = fresh();
is ingest([map { [$_ % 10, 'user.' . $_ % 7] } 1 .. 1000], base => $base),
    '1000 7 993', 'a thousand of a few';

# a call that repeats itself

my $call = Igjobs::Engine::job_id();
$base = fresh();
my @same = ([['1', 'a']], base => $base, call => $call, invalid => 3);
my $first = answer(@same);
is_deeply answer(@same), $first, 'a repeat is answered alike';
like $first->{body}, qr/"invalid":3,"base_id":"$base"/, 'with all of it';
is raw($base), 1, 'and does nothing';
is ingest([['1', 'a']], base => $base), '1 0 1', 'another call';
is raw($base), 2, 'does it again';

# idempotency keys

$base = fresh();
my @keyed = ([['1', 'a']], base => $base, key => 'k');
$first = answer(@keyed);
my $again = answer(@keyed);
is $first->{replayed}, JSON::PP::false, 'a key';
is $again->{replayed}, JSON::PP::true, 'its second request';
is $again->{body}, $first->{body}, 'has its answer';
is raw($base), 1, 'and does nothing';
is ingest(@keyed, body => 'other'), '422 idempotency-key-reused',
    'another body';
is ingest(@keyed, base => fresh()), '422 idempotency-key-reused',
    'another base';
is ingest(@keyed, tenant => 'other'), '1 1 0', 'another tenant';

my $beside = $e->session;
$beside->run('begin');
$beside->run(Igjobs::Engine::statement(ingest => ingestion(
    [['2', 'b']], base => $base, key => 'busy')));
is ingest([['2', 'b']], base => $base, key => 'busy'),
    '409 idempotency-key-in-progress', 'the first is in progress';
$beside->run('rollback');
is ingest([['2', 'b']], base => $base, key => 'busy'), '1 1 0',
    'and was undone';

# what nobody repeats any more goes

$e->sql("update igjobs.ingest_calls set created_at = now() - interval '25 h'");
my $calls = $e->sql('select count(*) from igjobs.ingest_calls');
ingest([]);
is $e->sql('select count(*) from igjobs.ingest_calls'), $calls - 4 + 1,
    'each call removes some old ones';

# large ones: units

# opens and closes one of so many profiles, all new; its id
sub queue {
    my ($count, %option) = @_;
    my ($caller, $params) = ingestion([], %option);
    my @profiles = map { [++$number, "user.$number"] } 1 .. $count;
    my $unit = 0;

    @$params{qw(given queued)} = ($count, JSON::PP::true);
    is $e->call(ingest_open => $caller, $params, undef, undef)->{status},
        undef, "an ingestion of $count";
    while (my @part = splice @profiles, 0, 1000) {
        $e->sql("insert into igjobs.ingest_units (tenant, job_id, batch_no,"
            . " lines) values ('default', '$params->{call}', " . $unit++ . ', '
            . literal(lines(@part)) . ')');
    }
    my $close = sub { $e->call(ingest_close => $caller, $params) };
    is $close->()->{status}, 202, 'is accepted';
    is $close->()->{body}, $e->call(ingest_open => $caller, $params, undef,
        undef)->{body}, 'once';
    return $params->{call};
}

sub state_of {
    my ($batch) = @_;
    my $a = $e->call(api_ingest => { tenant => 'default' },
                     { batch => $batch });
    my $body = JSON::PP::decode_json($a->{body});

    return $a->{status} == 200 ? join ' ', @$body{qw(status batches_done
        total_profiles inserted_raw added_to_global)}
        : "$a->{status} $body->{error}";
}

$number = 5000;
my $batch = queue(2500);
is state_of($batch), 'queued 0 2500 0 0', 'its state';
my $unit = $e->claim($batch, kinds => ['operation']);
is $e->claim($batch, kinds => ['operation'])->{answer}, 'none',
    'one unit at a time';
my @step = (unit_step => Igjobs::Engine::held($unit), 'ingest', '{}');
$first = $e->call(@step);
is_deeply $first->{result}, { inserted_raw => 1000, added_to_global => 1000 },
    'a unit';
is_deeply $e->call(@step), $first, 'that repeats itself';
is state_of($batch), 'processing 0 2500 1000 1000', 'comes in once';
for (1 .. 3) {
    my @held = Igjobs::Engine::held($unit);
    my $result = $e->call(unit_step => @held, 'ingest', '{}')->{result};

    $e->call(end_unit => @held, $result);
    $unit = $e->claim($batch, kinds => ['operation']);
}
is state_of($batch), 'completed 3 2500 2500 2500', 'the end';
my $answer = $e->call(api_operation => { tenant => 'default' },
                      { operation => $batch });
like "$answer->{status} $answer->{body}",
    qr/^200 .*"inserted_raw":2500,"added_to_global":2500,/,
    'and its answer';
is $e->sql('select count(*) from igjobs.ingest_units where lines is not null'),
    0, 'no lines are kept';

is state_of('x'), '404 Batch x not found', 'what is no id';
is state_of(Igjobs::Engine::job_id()) =~ /^404/, 1, 'no batch';
is state_of($e->submit(5)) =~ /^404/, 1, 'no ingestion';
$e->call(api_delete_job => { tenant => 'default' },
         { job => $batch, body => {} });
is state_of($batch) =~ /^404/, 1, 'an erased one';
$e->sql("select igjobs.erase_step(1000) from generate_series(1, 20)");
is $e->sql("select count(*) from igjobs.ingest_units where job_id = '$batch'"),
    0, 'has no units';

# many at once

sub shuffled { return map { $_->[1] } sort { $a->[0] <=> $b->[0] }
    map { [rand, $_] } @_ }

$base = fresh();
my @sessions = map { $e->session } 1 .. SESSIONS;
for my $session (@sessions) {
    $session->send(join ";\n", map {
        Igjobs::Engine::statement(ingest => ingestion(
            [shuffled(map { [$_, 'user.' . ($_ + int rand 3)] } 1 .. PEOPLE)],
            base => $base))
    } 1 .. CALLS);
}
my @answers = map { $_->wait } @sessions;
is scalar(grep { /ERROR/ } @answers), 0, 'overlapping calls at once'
    or diag $answers[0];
my $added = 0;
$added += $_ for map { /added_to_global\\":(\d+)/g } @answers;
is raw($base), SESSIONS * CALLS * PEOPLE, 'every raw row';
is $e->sql("select count(*) from public.global_usernames where base_id ="
    . " '$base'"), $added, 'what was added is there';

# a pool that is being selected from is waited for

$base = fresh();
ingest([['1', 'a']], base => $base);
$beside->run("begin; update public.global_usernames set used = true where"
    . " base_id = '$base'");
my $other = $e->beside;
$other->send(ingest => ingestion([['1', 'b']], base => $base));
$other->{session}->wait_blocked;
$beside->run('commit');
is $other->answer->{status}, 200, 'an ingestion waits for a selection';
is pool($base), '1 b*', 'and neither is lost';

done_testing;
