#!/usr/bin/env perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Every example of docs/openapi.yaml is sent to a running stack and answered as
# it says. The parameters and the body of one name are the request of the
# answer's example of that name; see the head of that file.

use strict;
use warnings;
use Test::More;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Igjobs::Json;
use Igjobs::Openapi;
use Igjobs::Schema;
use Igjobs::Stack;

my $document = Igjobs::Openapi::document();
my $schema = Igjobs::Schema->new($document, strict => 1);
my @exchanges = exchanges();

subtest 'examples fit their schemas' => sub {
    for my $exchange (@exchanges) {
        my ($name, $media) = @$exchange{qw(title media)};
        is_deeply([$schema->compile($media->{schema})
            ->($exchange->{example}{value})], [], "$name: the answer");

        my $body = $exchange->{body};
        next if !$body || $exchange->{status} >= 300;
        is_deeply([$schema->compile($body->{schema})
            ->($body->{example}{value})], [], "$name: the request");
    }
};

subtest 'every example of a request has an answer' => sub {
    my %answered;

    push @{ $answered{ $_->{name} } }, $_ for @exchanges;
    for my $operation (operations()) {
        for my $holder (@{ $operation->{parameters} },
                        bodies($operation->{operation})) {
            my @used = map { @{ $answered{$_} // [] } }
                keys %{ $holder->{examples} // {} };
            ok($answered{$_}, "$operation->{title}: $_")
                for sort keys %{ $holder->{examples} // {} };
        }
    }
};

my $stack = Igjobs::Stack->new->start;
my %job = (completed => submit(), queued => undef, operation => undef);
$stack->jobs->wait_done($job{completed});

# what needs a worker, what needs none, what needs that Postgres is away
my @working = grep { $_->{name} =~ /^(?:waited|synchronous)/ } @exchanges;
my @away = grep { $_->{name} eq 'database_away' } @exchanges;
my %aside = map { $_ => 1 } @working, @away;

check($_) for @working;
$stack->worker->stop;
$job{operation} = start_operation();
$job{queued} = submit();
check($_) for grep { !$aside{$_} } @exchanges;

# a status is known to Redis and to nginx, a job to nobody else
$stack->redis->stop;
$stack->postgres->stop;
$stack->nginx->allow_alerts(qr/connect\(\) to \S+redis\.sock failed/);
$stack->nginx->reload;
check($_) for @away;

$stack->finish;
done_testing;


sub submit {
    return $stack->jobs->submit(accounts => [qw(natgeo nasa bbcearth)],
        targetGender => 'female', totalScrapeCount => 150);
}

# an operation that no worker will end
sub start_operation {
    my $id = '0199e1f5-7c1a-7b3e-9c55-3f8f6f0c2a09';

    $stack->psql("select igjobs.start_operation('default', '$id', 'base',"
                 . " 'none', '{}', 'run', array['{}'::jsonb])");
    return $id;
}

# each operation with its parameters
sub operations {
    my @operations;

    for my $path (sort keys %{ $document->{paths} }) {
        for my $method (sort keys %{ $document->{paths}{$path} }) {
            my $operation = $document->{paths}{$path}{$method};
            push @operations, {
                method => uc $method, path => $path, operation => $operation,
                title => uc($method) . " $path",
                parameters => [map { $schema->resolve($_) }
                               @{ $operation->{parameters} // [] }],
            };
        }
    }
    return @operations;
}

sub bodies {
    my ($operation) = @_;

    return values %{ ($operation->{requestBody} // {})->{content} // {} };
}

# every example of an answer, with what is sent for it
sub exchanges {
    my @exchanges;

    for my $operation (operations()) {
        my $responses = $operation->{operation}{responses};
        for my $status (sort keys %$responses) {
            my $content = $schema->resolve($responses->{$status})->{content};
            for my $type (sort keys %{ $content // {} }) {
                push @exchanges, map { exchange($operation, $status, $type,
                                                $content->{$type}, $_) }
                    sort keys %{ $content->{$type}{examples} // {} };
            }
        }
    }
    return @exchanges;
}

sub exchange {
    my ($operation, $status, $type, $media, $name) = @_;
    my $content = ($operation->{operation}{requestBody} // {})->{content};
    my ($body) = map { { type => $_, schema => $content->{$_}{schema},
                         example => scalar named($content->{$_}, $name) } }
        sort keys %{ $content // {} };

    return { %$operation, status => $status, type => $type, media => $media,
             name => $name, body => $body,
             title => "$operation->{title} $status $name",
             example => named($media, $name) };
}

# the example of that name, or the first
sub named {
    my ($holder, $name) = @_;
    my $examples = $holder->{examples} // {};
    my $first = (sort keys %$examples)[0] // return;

    return $schema->resolve($examples->{$name} // $examples->{$first});
}

# sends the request of an exchange, compares the answer
sub check {
    my ($exchange) = @_;
    my $path = $exchange->{path};
    my (@headers, @query, @body);

    for my $parameter (@{ $exchange->{parameters} }) {
        my $value = parameter_value($parameter, $exchange->{name}) // next;
        my $name = $parameter->{name};
        my $escaped = $value =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ger;
        $path =~ s/\{$name\}/$escaped/ if $parameter->{in} eq 'path';
        push @query, "$name=$escaped" if $parameter->{in} eq 'query';
        push @headers, $name, $value if $parameter->{in} eq 'header';
    }
    $path = with_jobs($path . (@query ? '?' . join '&', @query : ''));
    if (my $body = $exchange->{body}) {
        push @headers, 'Content-Type', $body->{type};
        @body = (body => JSON::PP->new->utf8->canonical->encode(
            $body->{example}{value}));
    }

    my $r = $stack->client->request($exchange->{method}, $path, @body,
                                    headers => \@headers);
    subtest $exchange->{title} => sub {
        is($r->{status}, $exchange->{status}, 'status');
        like($r->header('Content-Type'), qr/^\Q$exchange->{type}\E(?:;|$)/,
            'media type');
        my @differences = compare($exchange->{type},
            $exchange->{example}{value}, $r->{body});
        is(join("\n", @differences), '', 'body') or diag($r->{body});
    };
    return;
}

sub parameter_value {
    my ($parameter, $name) = @_;

    return if !$parameter->{required} && !$parameter->{examples}{$name};
    return named($parameter, $name)->{value};
}

# the ids of the examples stand for jobs of ours
sub with_jobs {
    my ($text) = @_;

    $text =~ s/[0-9a-f-]{32}2a01/$job{completed}/g;
    $text =~ s/[0-9a-f-]{32}2a02/$job{queued}/ge;
    $text =~ s/[0-9a-f-]{32}2a09/$job{operation}/ge;
    return $text;
}

# compare($type, $example, $body): what differs, beside what chance decides
sub compare {
    my ($type, $example, $body) = @_;

    return differences('', $example, Igjobs::Json::decode($body))
        if $type =~ m{[/+]json$};
    return map { differences('', event($_->[0]), event($_->[1])) }
        pairs([split /\n\n/, $example], [split /\n\n/, $body])
        if $type eq 'text/event-stream';
    return map { differences('', $example, Igjobs::Json::decode($_)) }
        split /\n/, $body if $type =~ /ndjson/;
    return differences('', (split /\r?\n/, $example)[0],
                       (split /\r?\n/, $body)[0]) if $type eq 'text/csv';
    return differences('', $example, $body);
}

sub pairs {
    my ($some, $others) = @_;
    my $n = @$some > @$others ? @$some : @$others;

    return map { [$some->[$_] // '', $others->[$_] // ''] } 0 .. $n - 1;
}

# an event as its fields
sub event {
    my ($text) = @_;
    my %event = map { /^(\w*): ?(.*)/ } split /\n/, $text;

    $event{data} = Igjobs::Json::decode($event{data}) if $event{data};
    delete @event{qw(id retry)};
    return \%event;
}

# names of members whose text is what the world of the test makes it
my %chance;
BEGIN {
    %chance = map { $_ => 1 } qw(id username full_name fullName account
        instance next_page_token gender);
}

sub differences {
    my ($at, $example, $value) = @_;
    my $kind = kind($example);

    # prices and costs of earlier jobs may be known or not
    return if $at =~ m{/usd/\w+$}
              && join(' ', kind($value), $kind) =~ /^(?:null|number) number$/;
    # the account is known where a page holds the followers of one only
    return if $at =~ m{/source_account$}
              && join(' ', kind($value), $kind) =~ /^(?:null|string) string$/;
    return "$at: " . kind($value) . " instead of $kind"
        if $kind ne kind($value);
    if ($kind eq 'object') {
        my %names = (%$example, %$value);
        return map { !exists $value->{$_} ? "$at/$_: is missing"
                     : !exists $example->{$_} ? "$at/$_: is new"
                     : differences("$at/$_", $example->{$_}, $value->{$_}) }
               sort keys %names;
    }
    if ($kind eq 'array') {
        return "$at: " . @$value . ' elements' if !@$example != !@$value;
        return @$example ? differences("$at/0", $example->[0], $value->[0])
                         : ();
    }
    return if $kind ne 'string' || $chance{ $at =~ s{.*/}{}r };
    return settled($example) eq settled($value) ? ()
        : "$at: '$value' instead of '$example'";
}

sub kind {
    my ($value) = @_;

    return 'null' if !defined $value;
    return { HASH => 'object', ARRAY => 'array' }->{ ref $value }
        // ($value ? 'true' : 'false') if ref $value;
    return Igjobs::Schema::is_number($value) ? 'number' : 'string';
}

# a text without ids and times
sub settled {
    my ($text) = @_;

    $text =~ s/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/<id>/g;
    $text =~ s/\d{4}-\d\d-\d\dT[\d:.]+\+00:00/<time>/g;
    return $text;
}
