# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The provider simulator on a free loopback port.

package Igjobs::Sim;

use strict;
use warnings;
use parent 'Igjobs::Process';
use Carp;
use JSON::PP ();
use Igjobs::Env;
use Igjobs::Http;
use Igjobs::Port 'free_port';

# new(args => [...]): further words of the command line
sub new {
    my ($class, %option) = @_;
    my $dir = $option{dir} // Igjobs::Env::new_dir('sim');
    my $port = free_port();

    return $class->SUPER::new(
        name => 'sim', dir => $dir, port => $port,
        env => { Igjobs::Env::sanitizer_env($dir, leaks => 1) },
        command => [Igjobs::Env::staged(Igjobs::Env::built('igjobs-sim')),
                    '--port', $port, @{ $option{args} // [] }]);
}

sub port { return $_[0]{port} }
sub base_url { return "http://127.0.0.1:$_[0]{port}" }

sub ready {
    my ($self) = @_;

    return !!eval { $self->call('GET', '/_sim/health') };
}

sub call {
    my ($self, $method, $path, $data) = @_;
    my $http = $self->{http} //= Igjobs::Http->new($self->{port});
    my $response = defined $data ? $http->post_json($path, $data)
                                 : $http->request($method, $path);

    croak "sim: $method $path: $response->{status} $response->{body}"
        if $response->{status} !~ /^2/;
    return $response->{body} eq '' ? undef : $response->json;
}

# sums of what was asked and billed
sub ledger { return $_[0]->call('GET', '/_sim/ledger') }

# sums of Airtable: {records}, {duplicates}, {bases}{$base}{tables}{$table} ...
sub airtable_ledger { return $_[0]->call('GET', '/_sim/airtable') }

# airtable('set', {base => ..., set => {progress_status => 'followed'}, ...}):
# what a person does there: tables, set, add, delete, rename, drop, expire
sub airtable {
    my ($self, $what, $order) = @_;

    return $self->call('POST', "/_sim/airtable/$what", $order // {});
}

# airtable_records($base, $table or undef for all): the records, each with
# {table} and {record}
sub airtable_records {
    my ($self, $base, $table) = @_;
    my $path = "/_sim/airtable/records?base=$base"
        . (defined $table ? "&table=$table" : '');

    return map { JSON::PP->new->utf8->decode($_) } split /\n/,
        Igjobs::Http->new($self->{port})->get($path)->{body};
}

# every request
sub journal { return $_[0]->call('GET', '/_sim/journal') }

# faults($rules): sets the fault rules
sub faults {
    my ($self, $rules) = @_;

    return $self->call('POST', '/_sim/faults', $rules);
}

1;
