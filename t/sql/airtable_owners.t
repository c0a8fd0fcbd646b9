#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Two tenants that name the same Airtable base: who used it first has it, the
# other one is refused, by its calls and by the turns of its units.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Igjobs::Engine;

use constant BASE => 'appTeam0000000001';

my $e = Igjobs::Engine->new;

sub turn {
    my ($tenant, $base) = @_;

    return $e->sql("select answer from igjobs.airtable_turn('$tenant',"
                   . " '$base', 2000)");
}

# the status and, of a problem, the slug
sub call {
    my ($name, $tenant, %body) = @_;
    my $answer = $e->call("api_$name" =>
        { tenant => $tenant, call => Igjobs::Engine::job_id() },
        { body => \%body });

    return $answer->{status} . ' '
        . (JSON::PP::decode_json($answer->{body})->{problem} // '');
}

# a base

is call(verify_base => 'red', base_id => BASE), '202 ', 'nobody has used it';
is $e->sql('select count(*) from igjobs.airtable_owners'), 0,
    'a call alone takes no base';
is turn(blue => BASE), 'go', 'a request to Airtable does';
is turn(red => BASE), 'taken', 'and nobody else has a turn of it';
is turn(blue => BASE), 'go', 'but its owner';
is turn(red => 'appOther000000001'), 'go', 'other bases are not concerned';

for my $name (qw(verify_base create_base run_daily)) {
    $e->sql("update igjobs.settings set value = '" . BASE
            . "' where name = 'airtable_base_id'");
    is call($name => 'red', base_id => BASE), '403 airtable-base-taken',
        "$name of another tenant";
}
is call(run_daily => 'blue'), '202 ', 'of its owner';

# the two of them at once

my @sessions = map { $e->session } 1 .. 2;
$sessions[0]->send('begin');
$sessions[0]->wait;
$sessions[0]->send("select igjobs.own_airtable('blue', 'appNew')");
$sessions[0]->wait;
$sessions[1]->send("select igjobs.own_airtable('red', 'appNew')");
$sessions[0]->send('commit');
$_->wait for @sessions;
is $e->sql("select igjobs.airtable_owner('appNew')"), 'blue',
    'who waited for the first finds it taken';

# operators

$e->sql("select igjobs.give_airtable_base('" . BASE . "', 'red')");
is turn(red => BASE), 'go', 'given to another tenant';
is turn(blue => BASE), 'taken', 'which takes it from the first';
$e->sql("update igjobs.settings set value = 'on'"
        . " where name = 'airtable_bases_shared'");
is turn(blue => BASE), 'go', 'shared: all may use it';
is call(create_base => 'blue', base_id => BASE), '202 ', 'by calls, too';

done_testing;
