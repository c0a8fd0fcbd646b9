# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The Apify client against the simulator: whatever goes wrong on the way, the
# same profiles come out, each once, of one run that was started once.

use strict;
use warnings;
use Test::More;
use Igjobs::Env;
use Igjobs::Sim;

my $drive = Igjobs::Env::built('t/apify_drive');
my $accounts = 'nasa,esa,jaxa';
my $per_account = 150;
my $sim;

# Collects one run; returns its output as { profile => [...], end => '...', ...}.
sub drive {
    my (%option) = @_;
    my %out = (profile => [], account_error => []);
    my @words = ($sim->base_url, 'igjobs~followers-with-source',
                 $option{accounts} // $accounts, $per_account,
                 $option{page} // 100, $option{start_ms} // 8000);

    open my $in, '-|', $drive, @words or die "$drive: $!";
    while (my $line = <$in>) {
        chomp $line;
        my ($word, $rest) = split / /, $line, 2;
        if (ref $out{$word}) {
            push @{ $out{$word} }, $rest;
        } else {
            $out{$word} = defined $out{$word} ? "$out{$word}\n$rest" : $rest;
        }
    }
    close $in;
    $out{status} = $? >> 8;
    return \%out;
}

sub fresh_sim {
    $sim->stop if $sim;
    $sim = Igjobs::Sim->new(args => ['--followers', 2000, '--usage-final-ms',
                                     0, @_])->start;
    return;
}

fresh_sim();
my $sound = drive();
is($sound->{status}, 0, 'without faults');
is(scalar @{ $sound->{profile} }, 3 * $per_account, 'all profiles');
like($sound->{end}, qr/^succeeded items=450 malformed=0 pages=5$/, 'pages');
my %of;
$of{ (split ' ')[1] }++ for @{ $sound->{profile} };
is_deeply(\%of, { map { $_ => $per_account } split /,/, $accounts },
          'each source account its share');
is($sim->ledger->{tokens_in_urls}, 0, 'no token in a URL');

my $wanted = join "\n", sort @{ $sound->{profile} };

# name, rule, more checks of the output
my @faults = (
    ['429 twice at the start',
     { match => { op => 'start', times => 2 },
       action => { status => { code => 429, type => 'rate-limit-exceeded' } } },
     start => qr/^ok/],
    ['start: answer lost after the run was made',
     { match => { op => 'start', times => 1 }, action => { drop_after => \1 } },
     start => qr/^unknown/, find => qr/^found/],
    ['start: no answer in time',
     { match => { op => 'start', times => 1 }, action => { hang => 10000 } },
     start_ms => 500, start => qr/^unknown/, find => qr/^found/],
    ['start: body cut, Location known',
     { match => { op => 'start', times => 1 },
       action => { truncate_at => 40 } }, start => qr/^ok/],
    ['the run is not visible at once',
     { match => { op => 'run' }, action => { run_404 => { calls => 3 } } }],
    ['status: 500, 502, 503',
     { match => { op => 'run', times => 3 },
       action => { status => { code => 502, body => '<html>',
                               content_type => 'text/html' } } }],
    ['status: answer lost',
     { match => { op => 'run', times => 2 }, action => { drop_after => \1 } }],
    ['page: 503 at every second call',
     { match => { op => 'items', every => 2 },
       action => { status => { code => 503 } } }],
    ['page: cut on the wire',
     { match => { op => 'items', every => 2 },
       action => { truncate_at => 3000 } }],
    ['page: cut, and it looks whole',
     { match => { op => 'items', every => 2 },
       action => { truncate_at => { bytes => 3000, clean => \1 } } }],
    ['page: cut before it was compressed',
     { match => { op => 'items', every => 2 },
       action => { truncate_at => { bytes => 3000, body => \1 } } }],
    ['page: gzip with a wrong check sum',
     { match => { op => 'items', every => 2 },
       action => { bad_gzip => 'crc' } }],
    ['page: gzip that is none',
     { match => { op => 'items', every => 2 },
       action => { bad_gzip => 'plain' } }],
    ['page: gzip cut, framing right',
     { match => { op => 'items', every => 2 },
       action => { bad_gzip => 'cut' } }],
    ['page: reset in the middle',
     { match => { op => 'items', every => 2 },
       action => { rst => { at => 2000 } } }],
    ['page: no length and cut',
     { match => { op => 'items', every => 2 },
       action => { no_length => \1,
                   truncate_at => { bytes => 2000, clean => \1 } } }],
    ['page: no HTTP',
     { match => { op => 'items', nth => 2 }, action => { raw => "hello\r\n" } }],
    ['page: dropped before it was read',
     { match => { op => 'items', every => 3 },
       action => { drop_before => \1 } }],
    ['page: an older copy of the dataset',
     { match => { op => 'items', every => 2 }, action => { lag_items => 30 } }],
);

for my $fault (@faults) {
    my ($name, $rule, %check) = @$fault;

    fresh_sim();
    $sim->faults([$rule]);
    my $out = drive(start_ms => delete $check{start_ms});
    my $ledger = $sim->ledger;

    is(join("\n", sort @{ $out->{profile} }), $wanted, "$name: same profiles")
        or diag explain { %$out, profile => scalar @{ $out->{profile} } };
    is($ledger->{runs_started}, 1, "$name: one run");
    cmp_ok($ledger->{faults}, '>', 0, "$name: happened");
    like($out->{$_}, $check{$_}, "$name: $_") for sort keys %check;
}

# items that are no good cost themselves alone
for my $how (qw(type null nul utf8 huge deep garbage)) {
    fresh_sim();
    $sim->faults([{ match => { op => 'items' },
                    action => { mutate_item => { how => $how,
                                                 every => 10 } } }]);
    my $out = drive();

    is(@{ $out->{profile} } . ' ' . $out->{end},
       '405 succeeded items=450 malformed=45 pages=5', "items: $how");
}

# these are odd, and still profiles
for my $how (qw(unicode surrogate number_id)) {
    fresh_sim();
    $sim->faults([{ match => { op => 'items' },
                    action => { mutate_item => { how => $how,
                                                 every => 10 } } }]);
    my $out = drive();

    is(@{ $out->{profile} } . ' ' . $out->{end},
       '450 succeeded items=450 malformed=0 pages=5', "items: $how");
}

# runs that end badly: what they found is read
for my $status ('FAILED', 'TIMED-OUT', 'ABORTED') {
    fresh_sim();
    $sim->faults([{ match => { op => 'start' },
                    action => { fail_run => { status => $status,
                                              after_items => 200 } } }]);
    my $out = drive();
    my $state = lc $status =~ s/-/_/r;

    like($out->{end}, qr/^$state items=200 /, "$status: 200 items are read");
}

# refusals, nothing started
for my $case (['401', 'user-or-token-not-found', 'stop'],
              ['402', 'not-enough-usage-to-run-paid-actor', 'stop'],
              ['402', 'actor-memory-limit-exceeded', 'park'],
              ['429', 'rate-limit-exceeded', 'park'],
              ['413', 'request-too-large', 'split'],
              ['500', 'internal-server-error', 'unknown']) {
    my ($code, $type, $class) = @$case;

    fresh_sim();
    $sim->faults([{ match => { op => 'start' },
                    action => { status => { code => $code + 0,
                                            type => $type } } }]);
    my $out = drive();

    like($out->{start}, qr/^$class start: HTTP $code $type/, "$code $type");
    is($sim->ledger->{runs_started}, 0, 'nothing was started');
}

# repeats are handed on: the caller keeps each once
fresh_sim('--duplicates', 10);
my %once = map { $_ => 1 } @{ drive()->{profile} };
is(join("\n", sort keys %once), $wanted, 'repeats');

# a run that works while it is waited for
fresh_sim('--run-ms', 1500, '--ready-ms', 300);
is(join("\n", sort @{ drive()->{profile} }), $wanted, 'a run that takes time');

$sim->stop;
done_testing;
