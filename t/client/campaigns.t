#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs, the command: profiles into the pool from files of all forms, a
# campaign from its selection to its end, schedules; against a running stack,
# and against a server that answers what a test says.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Igjobs::Command;
use Igjobs::Stack;
use Igjobs::HttpServer qw(answer problem stream);
use Igjobs::Wait;

my $stack = Igjobs::Stack->new(
    worker => { args => ['--lanes=2', '--beat=200ms', '--sweep=300ms'] });
$stack->start;
my $igjobs = Igjobs::Command->new(
    'http://127.0.0.1:' . $stack->nginx->port);
my $json = JSON::PP->new->utf8->canonical;
my $dir = $igjobs->dir;

sub file { return Igjobs::Command::write_file("$dir/$_[0]", $_[1]) }

sub pool {
    return $stack->psql("select string_agg(id || ' ' || username || ' '"
        . " || full_name, '; ' order by id) from public.global_usernames"
        . ($_[0] ? " where base_id = '$_[0]'" : ''));
}

subtest 'ingest' => sub {
    my $r = $igjobs->run(['ingest', file('a.csv',
        "\xEF\xBB\xBFusername,gender,profile_id,full_name\r\n"
        . "anna,female,1,\"Li, \"\"Anna\"\"\r\nder Zweite\"\r\n\r\nbo,male,2,\r\n")]);
    is $r->{status}, 0, 'CSV' or diag $r->{err};
    like $r->{out}, qr/^added_to_global +2$/m, 'its counts';
    is pool(), "1 anna Li, \"Anna\"  der Zweite; 2 bo ", 'columns by name';

    $r = $igjobs->run(['ingest', '-'], in => qq({"id":"3","username":"eva"}\n\n)
        . qq(  {"id":1,"username":"anna2","bio":"x"}  \r\n));
    is $r->{status}, 0, 'JSON Lines from a pipe' or diag $r->{err};
    like $r->{err}, qr/^2 profiles: 1 new, 1 known before$/m, 'told';

    $r = $igjobs->run(['ingest', '--json', file('b.json', '{"note": "a",'
        . ' "profiles": [ {"id": "4", "username": "li\u00e9", "a": [1, "]"]},'
        . "\n" . ' {"id":"5","username":"q\"}"} ] }')]);
    is $r->{status}, 0, 'a JSON document' or diag $r->{err};
    is $json->decode($r->{out})->{inserted_raw}, 2, 'the server\'s answer';
    $r = $igjobs->run(['ingest', '--base', 'appOTHER1', file('c.json', '[]')]);
    is $r->{status}, 2, 'an empty array';
    like $r->{err}, qr/c\.json: no profiles in it/, 'is none';
    $r = $igjobs->run(['ingest', '--base', 'appOTHER1', file('c.jsonl',
        '{"id":"9","username":"x"}')]);
    is pool('appOTHER1'), '9 x ', 'into another base';

    for (['x.csv', "a,b\n1,2\n", qr/x\.csv:1: the first line must name/],
         ['x.json', '{"profiles": 5}', qr/there is no array/],
         ['y.json', '[{"id":', qr/the array has no end/],
         ['y.ndjson', '{"id":"' . 'x' x 70_000, qr/:1: a profile is too long/])
    {
        my ($name, $text, $says) = @$_;
        $r = $igjobs->run(['ingest', file($name, $text)]);
        is $r->{status}, 2, "$name is refused";
        like $r->{err}, $says, 'and why is said';
    }
    $r = $igjobs->run(['ingest', file('z.ndjson', "{\"id\":\n")]);
    is $r->{status}, 2, 'what is no JSON is the server\'s to refuse';
    is $igjobs->run(['ingest', "$dir/nothing"])->{status}, 2, 'no file';
};

subtest 'a large file' => sub {
    my $r = $igjobs->run(['ingest', '--base', 'appLARGE1', file('large.csv',
        join '', "id,username\n", map { "$_,user_$_\n" } 1 .. 3500)]);
    is $r->{status}, 0, 'taken in' or diag $r->{err};
    like $r->{out}, qr/^status +completed$/m, 'is waited for';
    like $r->{err}, qr/^\[#+\] 100 %  batches 4\/4$/m, 'with its progress';
    like $r->{err}, qr/^3500 profiles: 3500 new, 0 known before$/m, 'counted';
    $r = $igjobs->run(['ingest', '--no-wait', "$dir/large.csv"]);
    like $r->{out}, qr/^batch_id +[-0-9a-f]{36}$/m, 'or not';
};

subtest 'campaigns' => sub {
    my @base = ('--base', 'appLARGE1');
    my $r = $igjobs->run(['select', @base, '--per-table', 3, '--date',
                          '2026-11-01']);
    is $r->{status}, 0, 'selected' or diag $r->{err};
    my ($id) = $r->{out} =~ /\A([-0-9a-f]{36})\n\z/;
    like $r->{err}, qr/campaign made: 240 profiles/, 'told';
    $r = $igjobs->run(['distribute', $id, @base]);
    is $r->{status}, 0, 'distributed' or diag $r->{err};
    like $r->{out}, qr/^va_tables +80$/m, 'to the tables';
    is $igjobs->run(['distribute', $id, @base])->{status}, 2, 'once';
    $r = $igjobs->run(['campaigns', @base]);
    like $r->{out}, qr/\A$id\t2026-11-01\t240\t3\t80\t/, 'listed';
    $r = $igjobs->run(['campaigns', $id, @base]);
    like $r->{out}, qr/^total_assigned +240$/m, 'shown';
    like $r->{out}, qr/^80\t3\t0$/m, 'with its tables';
    is $json->decode($igjobs->run(['campaigns', '--json', $id, @base])->{out})
        ->{campaign_id}, $id, 'as JSON';
    like $igjobs->run(['campaigns', $id, @base])->{out},
        qr/^statuses\.pending +240$/m, 'and their statuses';
    is $igjobs->run(['campaigns', $id])->{status}, 4, 'of another base';
    $r = $igjobs->run(['campaigns', '--base', 'appEMPTY1']);
    is_deeply $r, { status => 0, out => '', err => "igjobs: no campaigns\n" },
        'a base without any';
    is $igjobs->run(['campaigns', 'x'])->{status}, 2, 'no id';
    is $igjobs->run(['select', '--base', 'appEMPTY1'])->{status}, 2,
        'nothing to select';
};

subtest 'assignments' => sub {
    my @of = (($igjobs->run(['campaigns', '--base', 'appLARGE1'])->{out})
        =~ /^(\S+)/, '--base', 'appLARGE1');
    my $r = $igjobs->run(['assignments', @of]);
    is $r->{status}, 0, 'of a campaign' or diag $r->{err};
    is scalar(() = $r->{out} =~ /^\d+\t\d\tpending\tuser_/mg), 20, 'the first';
    like $r->{err}, qr/the first 20; --all gives more/, 'which is said';
    $r = $igjobs->run(['assignments', @of, '--all', '--csv']);
    is scalar(split /\r\n/, $r->{out}), 241, 'or all of them';
    is $r->{err}, '', 'without a word';
    like $igjobs->run(['assignments', @of, '--table', 7])->{out},
        qr/\A7\t1\t.*\n7\t2\t.*\n7\t3\t.*\n\z/, 'of one table';
    $r = $igjobs->run(['assignments', @of, '--status', 'followed', '--json']);
    is_deeply $r, { status => 0, out => '', err => "igjobs: no assignments\n" },
        'of one status';
    is $igjobs->run(['assignments', $of[0]])->{status}, 4, 'of another base';
    is $igjobs->run(['assignments', @of, '--all', '--limit', 1])->{status}, 2,
        'all of them or so many';
};

subtest 'the pool' => sub {
    my $r = $igjobs->run(['pool', '--base', 'appLARGE1']);
    like $r->{out}, qr/\Abase_id\ +appLARGE1\n total\ +3500\n
                       used\ +240\n unused\ +3260\n today\.date\ .*\n
                       today\.added\ +3500\n today\.used\ +240\n\z/x,
        'is counted' or diag $r->{err};
    is $json->decode($igjobs->run(['pool', '--json', '--base', 'appLARGE1'])
        ->{out})->{today}{used}, 240, 'as JSON';
    $r = $igjobs->run(['pool', '--base', 'appEMPTY1']);
    is $r->{status}, 0, 'one that is empty';
    like $r->{err}, qr/no profile is unused; "igjobs ingest" brings/, 'says so';
    is $igjobs->run(['pool', '--base', 'x' x 65])->{status}, 2, 'no base';
};

subtest 'source profiles' => sub {
    my @of = ('--base', 'appSOURCE1');
    my $r = $igjobs->run(['source-profiles', @of]);
    is_deeply $r, { status => 0, out => '',
                    err => "igjobs: no source profiles\n" }, 'none at first';
    $r = $igjobs->run(['source-profiles', 'add', @of, 'natgeo', '@NASA']);
    is $r->{status}, 0, 'added' or diag $r->{err};
    my @id = $r->{out} =~ /^([-0-9a-f]{36})$/mg;
    like $igjobs->run(['source-profiles', 'list', @of])->{out},
        qr/\A$id[1]\tnasa\t\S+\n$id[0]\tnatgeo\t\S+\n\z/, 'listed by name';
    $r = $igjobs->run(['source-profiles', 'add', @of, '-f',
        file('s.txt', "natgeo # there\n\nesa\nnot!a\njpl\n")]);
    is $r->{status}, 2, 'some of a file are refused';
    like $r->{err}, qr/ exists \(409.*\n.*\n  This was "natgeo" \(\S+s\.txt:1\)/,
        'one is there';
    like $r->{err}, qr/\(400.*\n.*\n  This was "not!a" \(\S+s\.txt:4\)/,
        'one is none';
    is scalar(() = $r->{out} =~ /^\S{36}$/mg), 2, 'the others are added';
    like $igjobs->run(['source-profiles', @of, '--limit', 1])->{err},
        qr/\A\z/, 'as many as are wanted';
    $r = $igjobs->run(['source-profiles', 'remove', @of, $id[1], 'nobody',
                       '@NatGeo']);
    is $r->{status}, 4, 'one that is not there';
    like $r->{err}, qr/\Aigjobs: there is no source profile "nobody"\n\z/,
        'is named';
    is $igjobs->run(['source-profiles', @of, '--csv'])->{out}
        =~ s/^[^,]*,([^,]*),.*/$1/mgr, "username\r\nesa\r\njpl\r\n"
        =~ s/\r//gr, 'the others are removed';
    is $igjobs->run(['source-profiles', 'remove', @of, $id[1]])->{status}, 4,
        'an id that is gone';
    is $igjobs->run(['source-profiles', @$_, @of])->{status}, 2,
        "source-profiles @$_" for ['add'], ['remove'], ['drop', 'esa'],
        ['list', 'esa'], ['add', '-f', "$dir/nothing"],
        ['add', '-f', file('empty.txt', "# nobody\n\n")];
};

subtest 'schedules' => sub {
    my $text = $json->encode({ name => 'daily', cron => '0 6 * * *',
                               accounts => ['nasa'], platform => 'instagram' });
    my $r = $igjobs->run(['schedules', 'create', file('s.json', $text)]);
    is $r->{status}, 0, 'made' or diag $r->{err};
    my ($id) = $r->{out} =~ /\A([-0-9a-f]{36})\n\z/;
    like $igjobs->run(['schedules', 'create', '-'], in => $text)->{err},
        qr/it is there already/, 'once';
    like $igjobs->run(['schedules'])->{out},
        qr/\A$id\tdaily\t0 6 \* \* \*\tUTC\tactive\t/, 'listed';
    like $igjobs->run(['schedules', 'pause', $id])->{out}, qr/^state +paused$/m,
        'paused';
    like $igjobs->run(['schedules', 'resume', $id])->{out},
        qr/^state +active$/m, 'resumed';
    is $json->decode($igjobs->run(['schedules', 'show', $id, '--json'])->{out})
        ->{name}, 'daily', 'shown';
    is $igjobs->run(['schedules', 'delete', $id])->{status}, 0, 'deleted';
    is_deeply $igjobs->run(['schedules', 'list']),
        { status => 0, out => '', err => "igjobs: no schedules\n" }, 'gone';
    is $igjobs->run(['schedules', 'delete', $id])->{status}, 4, 'for good';
    is $igjobs->run(['schedules', @$_])->{status}, 2, "schedules @$_" for
        ['pause'], ['start', $id], ['pause', 'x'], ['create', "$dir/nothing"];
};

# operations, and answers that are lost

my $operation = '/api/operations/0199e1f5-7c1a-7b3e-9c55-3f8f6f0c2a09';
my $campaign = '0199e1f5-7c1a-7b3e-9c55-3f8f6f0c2a01';

sub server {
    my @answers = @_;

    return Igjobs::HttpServer->new(sub {
        return $answers[$_[1] < @answers ? $_[1] : -1];
    });
}

subtest 'the status of an operation' => sub {
    my $server = server(answer(200, { success => JSON::PP::true(),
        job_id => $campaign, status => 'completed', progress => 100,
        operation => { name => 'run_daily', base_id => 'appX' },
        results_url => $operation }));
    my $r = Igjobs::Command->new($server->url)->run(['status', $campaign]);
    like $r->{out}, qr/^operation +run_daily\nbase +appX\nanswer +$operation$/m,
        'says what it is and where its answer is';
    unlike $r->{out}, qr/^(found|kept)/m, 'and of no profiles';
};

# a server whose calls begin an operation, which ends while it is watched
sub operating {
    my (%answer) = @_;
    my $id = $operation =~ s{.*/}{}r;
    my %running = (success => JSON::PP::true(), operation_id => $id,
                   job_id => $id, status => 'queued', result_url => $operation);
    my $event = sub { 'data: ' . $json->encode({ %running, version => $_[0],
        state => $_[1], status => $_[1], progress => 50 * $_[0],
        total_batches => 2, current_batch => $_[0], operation => {} })
        . "\n\n" };

    return Igjobs::HttpServer->new(sub {
        my ($request) = @_;
        return $answer{call} // answer(202, \%running)
            if $request->{method} eq 'POST';
        return stream(@{ $answer{events} // [$event->(1, 'processing'),
                                             $event->(2, 'completed')] })
            if $request->{path} =~ /events/;
        return $answer{end};
    });
}

subtest 'operations' => sub {
    my $server = operating(end => answer(200, {
        success => JSON::PP::true(), tables_synced => 2, errors => [
            'Failed to sync Daily_Outreach_Table_03: no such table'] }));
    my $remote = Igjobs::Command->new($server->url);
    my $r = $remote->run(['airtable-sync', $campaign, '--airtable-base',
                          'appAIR1']);
    is $r->{status}, 1, 'some of it did not go';
    is $r->{out}, "tables_synced       2\n", 'what went';
    is $r->{err}, "[###############...............]  50 %  batches 1/2"
        . "  processing\n[##############################] 100 %  batches 2/2\n"
        . "igjobs: not all of it was done:\n"
        . "  Failed to sync Daily_Outreach_Table_03: no such table\n",
        'its progress, and what did not go';
    my @requests = @{ $server->requests };
    is_deeply [map { "$_->{method} $_->{path}" } @requests],
        ["POST /api/airtable-sync/$campaign",
         'GET ' . $operation =~ s/operations(.*)/jobs$1\/events/r,
         "GET $operation"], 'watched, then read';
    is $requests[0]{body}, '{"airtable_base_id":"appAIR1"}', 'its body';
    is $requests[0]{headers}{prefer}, 'respond-async', 'without holding';
    $r = $remote->run(['airtable-sync', $campaign, '--json']);
    is $json->decode($r->{out})->{tables_synced}, 2, 'the answer alone as JSON';
    $r = $remote->run(['airtable-sync', $campaign, '--no-wait']);
    like $r->{out}, qr/^result_url +$operation$/m, 'or nobody waits';
    like $r->{err}, qr{\A.*answer: igjobs operation \S+09\n\z},
        'and it is said how to go on';

    $server = operating(end => answer(200, {
        success => JSON::PP::true(), campaign_id => $campaign }));
    $remote = Igjobs::Command->new($server->url);
    like $remote->run(['run-daily'])->{out}, qr/^result_url +$operation$/m,
        'run-daily does not wait';
    is scalar @{ $server->requests }, 1, 'at all';
    like $remote->run(['run-daily', '--wait', '--per-table', 5])->{out},
        qr/^campaign_id +$campaign$/m, 'or does';
    is $server->requests->[1]{body}, '{"profiles_per_table":5}', 'its body';
};

subtest 'operations that fail' => sub {
    my $failed = sub { answer(500, { success => JSON::PP::false(),
        error => 'it failed', code => $_[0], step_failed => 'distribution',
        failed_tables => ['A', 'B'], message => 'Two failed.' }) };
    my $server = operating(end => $failed->('IGJ1120'));
    my $r = Igjobs::Command->new($server->url)->run(['run-daily', '--wait']);
    is $r->{status}, 1, 'a step';
    like $r->{err}, qr/^igjobs:\ it\ failed\ \(500\ IGJ1120\)\n
        \ \ message:\ Two\ failed\.\n\ \ step_failed:\ distribution\n
        \ \ failed_tables:\ A\n\ \ failed_tables:\ B\n
        \ \ igjobs\ redrive\ \S+09\ goes\ on\ .*\n\z/mx,
        'all that is known, and what to do' or diag $r->{err};

    $server = operating(end => $failed->('IGJ1404'));
    $r = Igjobs::Command->new($server->url)->run(['sync-statuses']);
    is $r->{status}, 3, 'a worker without a token';
    unlike $r->{err}, qr/redrive/, 'is for the operator to mend';

    $server = operating(call => problem(503, 'IGJ0806', 'Not known',
                                        'Retry-After' => 0));
    $r = Igjobs::Command->new($server->url)->run(
        ['--patience', 0, 'run-daily', '--wait']);
    is $r->{status}, 3, 'what may have been done';
    like $r->{err}, qr/not known whether it was done/, 'is told of';
};

subtest 'an interrupt leaves the operation alone' => sub {
    my $server = operating(events => ['data: ' . $json->encode({ version => 1,
        status => 'processing', progress => 50 }) . "\n\n", 'hold']);
    my $remote = Igjobs::Command->new('http://127.0.0.1:1');
    my $process = $remote->start(['--url', $server->url, 'delete-completed']);
    wait_for { $remote->said($process) =~ /50 %/ } 20, 'progress';
    kill 'INT', $process->{pid};
    my $r = $remote->end($process);
    is $r->{status}, 130, 'ends by the signal';
    like $r->{err}, qr/\Q${\$server->url}\E\ operation\ \S+09\n\z/x,
        'and says how to go on';
};

subtest 'answers that are lost' => sub {
    my $server = server('', answer(200, { success =>
        JSON::PP::true(), campaign_id => $campaign }), '');
    my $remote = Igjobs::Command->new($server->url);
    my $r = $remote->run(['select']);
    is $r->{status}, 0, 'are asked for again';
    my @keys = map { $_->{headers}{'idempotency-key'} } @{ $server->requests };
    is scalar @keys, 2, 'a selection is sent twice';
    like $keys[0], qr/\A"[-0-9a-f]{36}"\z/, 'with a key';
    is $keys[1], $keys[0], 'the same one';
    $r = $remote->run(['--patience', 0, 'select']);
    is $r->{status}, 3, 'without patience';
    like $r->{err}, qr/not known whether it was done/, 'it is not known of';

    $server = server('', problem(503, 'IGJ0801', 'Away',
                                 'Retry-After' => 30));
    $r = Igjobs::Command->new($server->url)->run(['--patience', 2, 'select']);
    is $r->{status}, 3, 'nor where the next try is refused';
    like $r->{err}, qr/not known whether it was done/, 'which is told';

    $server = server('', problem(404, 'IGJ1108', 'Not found'));
    $remote = Igjobs::Command->new($server->url);
    is $remote->run(['source-profiles', 'remove', $campaign])->{status}, 0,
        'what was deleted is not there';
    is scalar @{ $server->requests }, 2, 'when it is deleted again';
    is $remote->run(['source-profiles', 'remove', $campaign])->{status}, 4,
        'which is another thing than not to find it';

    $server = server('', answer(200, { source_profile => {} }));
    $remote = Igjobs::Command->new($server->url);
    is $remote->run(['source-profiles', 'add', 'esa'])->{status}, 0,
        'an addition is sent again';
    my ($first, $second) = map { $_->{body} } @{ $server->requests };
    like $first, qr/\A\{"id":"[-0-9a-f]{36}","username":"esa"\}\z/,
        'with an id';
    is $second, $first, 'the same, so that nothing comes twice';
};

$stack->finish;
done_testing();
