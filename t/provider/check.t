# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# "igjobs-worker provider-check": what it tells a person, and that it starts
# nothing and shows no secret.

use strict;
use warnings;
use Test::More;
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Sim;

my $worker = Igjobs::Env::built('igjobs-worker');
my $secret = 'apify_api_CHECKsecret';
my $sim = Igjobs::Sim->new(args => ['--token', $secret])->start;

# returns the exit code and all output
sub check {
    my (%env) = @_;
    local %ENV = (%ENV, DATABASE_URL => 'postgresql:///none',
                  APIFY_API_KEY => $secret, APIFY_BASE_URL => $sim->base_url,
                  APIFY_ACTOR_ID => 'igjobs/followers', %env);
    my $text = qx('$worker' provider-check 2>&1);

    unlike($text, qr/CHECKsecret/, 'no secret is shown');
    return ($? >> 8, $text);
}

my ($code, $text) = check();
is($code, 0, 'key and actor work');
like($text, qr/^token +works:.*^actor +works:/ms, 'and that is said');

($code, $text) = check(APIFY_API_KEY => 'apify_api_wrongCHECKsecret');
is($code, 1, 'a wrong key');
like($text, qr/^token: HTTP 401 /m, 'is named');

($code, $text) = check(APIFY_ACTOR_ID => 'nobody/nothing');
is($code, 1, 'an actor that does not exist');
like($text, qr/^actor: HTTP 404 /m, 'is named');

($code, $text) = check(APIFY_ACTOR_ID => 'two words');
is($code, 1, 'an actor that cannot exist');
like($text, qr/actor must be/, 'is explained');

($code, $text) = check(APIFY_BASE_URL => 'http://127.0.0.1:' . free_port());
is($code, 1, 'nobody at that address');
like($text, qr/^token: .*(refused|connect)/mi, 'is told');

my $pat = 'patCHECKsecret';
my $airtable = Igjobs::Sim->new(args => [
    '--airtable-token', $pat, '--airtable-scopes',
    'data.records:read data.records:write schema.bases:read'])->start;
my %airtable = (AIRTABLE_ACCESS_TOKEN => $pat,
                AIRTABLE_BASE_URL => $airtable->base_url);

($code, $text) = check(%airtable);
is($code, 0, 'a token for Airtable');
like($text, qr/^airtable token works$/m, 'works');
like($text, qr/^airtable token lacks the scope schema\.bases:write, needed for/m,
    'but not for all');
($code, $text) = check(%airtable, AIRTABLE_ACCESS_TOKEN => "${pat}s");
is($code, 1, 'a wrong token');
like($text, qr/^airtable token: HTTP 401 /m, 'is named');
$airtable->stop;

is($sim->ledger->{runs_started}, 0, 'no run was started');
is($sim->ledger->{tokens_in_urls}, 0, 'no token in a URL');

$sim->stop;
done_testing;
