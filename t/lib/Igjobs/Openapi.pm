# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Holds every answer that a test gets from nginx to docs/openapi.json: its
# status, media type, headers and body. See Igjobs::Http, which asks for it.
#
#   Igjobs::Openapi::hold($method, $path, $response);
#
# A mismatch fails the test that runs; in a process that a test has forked it
# dies. Answers to paths that are not the API's own are passed over.

package Igjobs::Openapi;

use strict;
use warnings;
use Test::More ();
use Igjobs::Env;
use Igjobs::Json;
use Igjobs::Schema;

# headers that nginx adds to answers of any kind
my %plain = map { $_ => 1 } qw(server date connection keep-alive content-type
    content-length content-encoding transfer-encoding vary allow via
    access-control-allow-origin access-control-allow-methods
    access-control-allow-headers access-control-expose-headers
    access-control-max-age);

my ($openapi, %told);
my $test_pid = $$;

sub hold {
    my ($method, $path, $response) = @_;

    $openapi //= Igjobs::Openapi->new;
    my @errors = $openapi->errors($method, $path, $response) or return;
    my $text = "$method $path answered $response->{status}, against "
        . 'docs/openapi.yaml: ' . join '; ', @errors;

    die "$text\n" if $$ != $test_pid;
    Test::More::fail($text) if !$told{$text}++;
    return;
}

# new($document): docs/openapi.json, or another one
sub new {
    my ($class, $document) = @_;
    my $self = bless { document => $document // document(), good => {} },
        $class;

    $self->{schema} = Igjobs::Schema->new($self->{document}, strict => 1);
    $self->{problem} = $self->{schema}->compile(
        $self->{document}{components}{schemas}{Problem});
    $self->{paths} = [map { [pattern($_), $_] }
        sort { fixed($b) <=> fixed($a) } keys %{ $self->{document}{paths} }];
    return $self;
}

sub document {
    my $file = Igjobs::Env::root() . '/docs/openapi.json';

    open my $in, '<', $file or die "$file: $!";
    local $/;
    return Igjobs::Json::decode(scalar <$in>);
}

# tests put the API under names of their own, too: /closed/api/...
sub pattern {
    my ($path) = @_;
    my $pattern = quotemeta $path;

    $pattern =~ s/\\\{\w+\\\}/[^\/]+/g;
    return qr{\A(?:/[\w-]+)?$pattern\z};
}

# characters of a path that are no parameter: the more, the closer it fits
sub fixed { return length $_[0] =~ s/\{\w+\}//gr }

# errors($method, $path, $response): what of the answer is not as described
sub errors {
    my ($self, $method, $path, $response) = @_;
    my $item = $self->item($path);
    my $operation = $item
        && $item->{ lc($method eq 'HEAD' ? 'GET' : $method) };

    return if !$item && $path !~ m{^/api/};
    return $self->problem_errors($response, 404) if !$item;
    return allow_errors($response) if $method eq 'OPTIONS';
    return (allow_errors($response), $self->problem_errors($response, 405))
        if !$operation;

    my $described = $self->described($operation, $response->{status})
        or return 'the status is not described';
    return ($self->header_errors($described, $response),
            $self->body_errors($described, $response,
                $method eq 'HEAD' || $response->{status} == 304));
}

# the item of the description that a request's path leads to
sub item {
    my ($self, $path) = @_;

    $path =~ s/\?.*//s;
    $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    for my $row (@{ $self->{paths} }) {
        return $self->{document}{paths}{ $row->[1] } if $path =~ $row->[0];
    }
    return;
}

sub described {
    my ($self, $operation, $status) = @_;
    my $responses = $operation->{responses};

    return $self->{schema}->resolve($responses->{$status}
        // $responses->{ substr($status, 0, 1) . 'XX' }
        // $responses->{default});
}

sub allow_errors {
    my ($response) = @_;

    return defined $response->header('Allow') ? () : 'Allow is missing';
}

sub problem_errors {
    my ($self, $response, $status) = @_;
    my $type = media_type($response);

    return "the status is not $status" if $response->{status} != $status;
    return "the media type is '$type'"
        if $type !~ m{^application/(?:problem\+)?json$};
    return if $response->{body} eq '';
    return $self->json_errors($self->{problem}, $response);
}

sub header_errors {
    my ($self, $described, $response) = @_;
    my %known = map { lc() => $_ } keys %{ $described->{headers} // {} };
    my @errors;

    for my $name (sort keys %known) {
        my $header = $self->{schema}->resolve(
            $described->{headers}{ $known{$name} });
        my $value = $response->header($name);
        if (!defined $value) {
            push @errors, "$known{$name} is missing" if $header->{required};
            next;
        }
        $value += 0 if ($header->{schema}{type} // '') eq 'integer'
                       && $value =~ /^-?\d+$/;
        push @errors, map { "$known{$name}$_" }
            $self->{schema}->compile($header->{schema})->($value);
    }
    return @errors, map { "$_ is not described" }
        sort grep { !$plain{$_} && !$known{$_} }
        keys %{ $response->{headers} };
}

sub media_type {
    my ($response) = @_;
    my $type = $response->header('Content-Type') // '';

    $type =~ s/\s*;.*//;
    return lc $type;
}

sub body_errors {
    my ($self, $described, $response, $bodiless) = @_;
    my $content = $described->{content};
    my $type = media_type($response);

    if (!$content) {
        return $response->{body} eq '' ? () : 'a body is not described';
    }
    return if $type eq '' && $bodiless;
    my $media = $content->{$type}
        or return "the media type '$type' is not described";
    return if $bodiless || $response->header('Content-Encoding');

    my $check = $self->{schema}->compile($media->{schema} // {});
    return $self->json_errors($check, $response) if $type =~ /[\/+]json$/;
    return $self->line_errors($check, $response) if $type =~ /ndjson$/;
    return map { "body$_" } $check->($response->{body});
}

# a body that was good is good again: clients poll
sub json_errors {
    my ($self, $check, $response) = @_;
    my $good = $self->{good}{$check} //= {};

    return if $good->{ $response->{body} };
    my $value = eval { $response->json_kept };
    return 'the body is not JSON: ' . $@ =~ s/\n//r if $@;
    my @errors = map { "body$_" } $check->($value);

    if (!@errors && length $response->{body} < 4096) {
        %$good = () if keys %$good > 1000;
        $good->{ $response->{body} } = 1;
    }
    return @errors;
}

# one document a line
sub line_errors {
    my ($self, $check, $response) = @_;
    my @errors;

    for my $line (split /\n/, $response->{body}) {
        my $value = eval { Igjobs::Json::decode($line) };
        push @errors, $@ ? "line $line is not JSON"
            : map { "line $line: $_" } $check->($value);
        last if @errors;
    }
    return @errors;
}

1;
