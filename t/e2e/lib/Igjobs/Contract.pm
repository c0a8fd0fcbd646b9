# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The documents of the original contract, field by field: what is there and of
# which type.

package Igjobs::Contract;

use strict;
use warnings;
use B ();
use Exporter 'import';
use JSON::PP ();
use Test::More;

our @EXPORT = qw(documents_ok);

my $uuid = qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/;
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00\z/;

# member to type; a question mark lets it be null
my %documents = (
    submit => {
        success => 'true', job_id => $uuid,
        status_url => qr{^/api/job-status/[0-9a-f-]{36}\z},
        results_url => qr{^/api/job-results/[0-9a-f-]{36}\z},
        total_batches => 'integer', message =>
            qr/^Job queued successfully\. Poll status_url for progress\.\z/,
    },
    status => {
        success => 'true', job_id => $uuid,
        status => qr/^(?:queued|processing|completed|failed)\z/,
        progress => 'number', profiles_scraped => 'integer',
        total_scraped => 'integer?', total_filtered => 'integer?',
        total_batches => 'integer', current_batch => 'integer',
        error_message => 'string?', created_at => $time,
        started_at => 'time?', completed_at => 'time?',
    },
    page => {
        success => 'true', job_id => $uuid, page => 'integer',
        limit => 'integer', total => 'integer', profiles => 'array',
    },
    sync => { success => 'true', data => 'object' },
    data => {
        accounts => 'array', totalFiltered => 'integer',
        totalScraped => 'integer', genderDistribution => 'object',
    },
    account => {
        id => qr/^.+\z/, username => qr/^.+\z/, fullName => 'string',
    },
    profile => {
        id => qr/^.+\z/, username => qr/^.+\z/, full_name => 'string',
        created_at => $time,
    },
);

# documents_ok($name, @data): all of them have every field, as one test
sub documents_ok {
    my ($name, @data) = @_;
    my %wrong = map { $_ => 1 } map { faults($name, $_) } @data;

    ok @data > 0, "answers to $name";
    return is(join(', ', sort keys %wrong), '', "every field of $name");
}

sub faults {
    my ($name, $data) = @_;
    my $members = $documents{$name};

    my @missing = grep { !exists $data->{$_} } keys %$members;
    my @wrong = grep { exists $data->{$_}
                       && !fits($data->{$_}, $members->{$_}) } keys %$members;

    return ((map { "$name.$_ is missing" } @missing),
            (map { "$name.$_ is " . ($data->{$_} // 'null') } @wrong),
            @wrong ? () : inner_faults($name, $data));
}

sub inner_faults {
    my ($name, $data) = @_;

    return map { faults('profile', $_) } @{ $data->{profiles} }
        if $name eq 'page';
    return map { faults('account', $_) } @{ $data->{accounts} }
        if $name eq 'data';
    return $name eq 'sync' ? faults('data', $data->{data}) : ();
}

sub fits {
    my ($value, $type) = @_;

    return is_string($value) && $value =~ $type if ref $type;
    return 1 if $type =~ s/\?\z// && !defined $value;
    return is_string($value) && $value =~ $time if $type eq 'time';
    return is_string($value) if $type eq 'string';
    return ref $value eq 'ARRAY' if $type eq 'array';
    return ref $value eq 'HASH' if $type eq 'object';
    return JSON::PP::is_bool($value) && $value if $type eq 'true';
    return is_number($value)
           && ($type eq 'number' || $value =~ /^\d+\z/);
}

sub flags {
    my ($value) = @_;

    return defined $value && !ref $value
           ? B::svref_2object(\$value)->FLAGS : 0;
}

sub is_string { return !!(flags($_[0]) & B::SVf_POK) }
sub is_number { return !is_string($_[0])
                       && !!(flags($_[0]) & (B::SVf_IOK | B::SVf_NOK)) }

1;
