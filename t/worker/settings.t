#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The command line: help, version, manual; and settings that stop the start
# with a message that names them. No server is needed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Igjobs::Env;

my $worker = Igjobs::Env::built('igjobs-worker');
my %good = (DATABASE_URL => 'dbname=igjobs host=/nowhere',
            APIFY_API_KEY => 'apify_api_secret', APIFY_ACTOR_ID => 'a~b');

# run(\%environment, @arguments): exit status and output
sub run {
    my ($env, @arguments) = @_;
    my $pid = open my $out, '-|';

    defined $pid or die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        delete @ENV{grep { /^(?:PG|IGJOBS_|APIFY_|AIRTABLE_|REDIS_|DATABASE_)/ }
                    keys %ENV};
        @ENV{keys %$env} = values %$env;
        exec { $worker } $worker, @arguments or POSIX::_exit(127);
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    return ($? >> 8, $text);
}

my ($status, $text) = run({}, '--help');
is $status, 0, '--help';
like $text, qr/--lease VALUE\n.*\n\s+environment: IGJOBS_LEASE; default 12s/,
    'names flag, environment and default';
($status, $text) = run({}, '--version');
like $text, qr/^igjobs-worker \d+\.\d+\.\d+$/m, '--version';
($status, $text) = run({}, '--print-settings');
like $text, qr/^\| `--lanes` \| `IGJOBS_LANES` \| `16` \| /m,
    '--print-settings is a table';

# what is wrong => environment, flags, what the message says
my @refused = (
    ['no DATABASE_URL', { %good, DATABASE_URL => '' }, [],
     qr/DATABASE_URL environment variable is required/],
    ['no key', { %good, APIFY_API_KEY => '' }, [],
     qr/APIFY_API_KEY environment variable is required/],
    ['no actor', { %good, APIFY_ACTOR_ID => '' }, [],
     qr/APIFY_ACTOR_ID environment variable is required/],
    ['a URL that is none', { %good, DATABASE_URL => 'postgres//secret@x' },
     [], qr/DATABASE_URL.*neither a postgresql/],
    ['a Redis URL that is none', { %good, REDIS_URL => 'http://x' }, [],
     qr/REDIS_URL: the scheme must be/],
    ['a number out of range', \%good, ['--lanes', '0'],
     qr/--lanes: '0' must be a number from 1 to 256/],
    ['a page too large', \%good, ['--page-size=5001'], qr/--page-size: /],
    ['a time without unit', \%good, ['--lease=12'],
     qr/--lease: '12' must be a time/],
    ['a bad word in the environment', { %good, IGJOBS_LOG_LEVEL => 'loud' },
     [], qr/IGJOBS_LOG_LEVEL: 'loud' is none of: error warn info debug/],
    ['a start call longer than its lease', \%good,
     ['--lease=8s', '--start-timeout=7s'],
     qr/start-timeout: 7000ms must be at most lease - 2 x beat/],
    ['a lease of two beats', \%good, ['--lease=2s', '--beat=1s'],
     qr/lease: .* three times beat/],
    ['an unknown flag', \%good, ['--lane=3'], qr/--lane: no such flag/],
    ['a word that is no flag', \%good, ['serve'], qr/serve: not a flag/],
    ['a flag without its value', \%good, ['--lanes'],
     qr/--lanes: needs a value/],
    ['an unknown kind', \%good, ['--kinds=scrape_followers,nothing'],
     qr/kinds: 'nothing' is unknown/],
    ['a secret as a flag', \%good, ['--apify-api-key=topsecret'],
     qr/secrets are not taken from the command line; set APIFY_API_KEY/],
    ['a secret file that is not there',
     { %good, APIFY_API_KEY => '', APIFY_API_KEY_FILE => '/no/such/file' },
     [], qr{APIFY_API_KEY_FILE: cannot read /no/such/file}],
    ['the Airtable token as a flag', \%good,
     ['--airtable-access-token', 'patsecret'],
     qr/command line; set AIRTABLE_ACCESS_TOKEN, or AIRTABLE_ACCESS_TOKEN_FILE/],
    ['an Airtable token of two words',
     { %good, AIRTABLE_ACCESS_TOKEN => 'pat secret' }, ['--direct'],
     qr/airtable: the token is missing or has white space in it/],
    ['an Airtable address that is none',
     { %good, AIRTABLE_ACCESS_TOKEN => 'patsecret',
       AIRTABLE_BASE_URL => 'api.airtable.com' }, ['--direct'],
     qr{airtable: the base URL must be http}],
    ['a worker id for no key', \%good, ['--worker-id=a b'],
     qr/worker-id: .* letters/],
);

for my $case (@refused) {
    my ($name, $env, $flags, $says) = @$case;

    ($status, $text) = run($env, @$flags);
    is $status, 2, "$name: status 2";
    like $text, $says, "$name: the message";
    unlike $text, qr/secret(?!s)/, "$name: no secret in it";
}

done_testing;
