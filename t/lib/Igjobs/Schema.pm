# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# JSON Schema (draft 2020-12), the part of it that docs/openapi.yaml uses.
# A schema becomes a function once; a keyword or format that is not known here
# dies then, so nothing is passed over in silence.
#
#   my $schema = Igjobs::Schema->new($document, strict => 1);
#   my $check = $schema->compile($node);     # a schema anywhere in the document
#   my @errors = $check->($value);           # "/profiles/3/id: is no string"
#
# strict: a member that an object's properties do not name is an error, too,
# unless additionalProperties or patternProperties allow for it.

package Igjobs::Schema;

use strict;
use warnings;
no warnings 'experimental::builtin';
use Carp;
use JSON::PP ();
use Scalar::Util qw(blessed refaddr);

my %annotation = map { $_ => 1 } qw(title description default examples example
    deprecated readOnly writeOnly $comment contentMediaType);

# each makes checks of a schema with this keyword
my %keyword = (
    '$ref' => \&ref_check,
    type => \&type_check,
    enum => \&enum_check,
    const => sub { my ($self, $schema) = @_;
                   return enum_check($self, { enum => [$schema->{const}] }) },
    pattern => \&pattern_check,
    format => \&format_check,
    minLength => bound(\&is_string, sub { length $_[0] >= $_[1] },
                       'is shorter than'),
    maxLength => bound(\&is_string, sub { length $_[0] <= $_[1] },
                       'is longer than'),
    minimum => bound(\&is_number, sub { $_[0] >= $_[1] }, 'is less than'),
    maximum => bound(\&is_number, sub { $_[0] <= $_[1] }, 'is more than'),
    exclusiveMinimum => bound(\&is_number, sub { $_[0] > $_[1] },
                              'is not more than'),
    exclusiveMaximum => bound(\&is_number, sub { $_[0] < $_[1] },
                              'is not less than'),
    minItems => bound(\&is_array, sub { @{ $_[0] } >= $_[1] },
                      'has fewer elements than'),
    maxItems => bound(\&is_array, sub { @{ $_[0] } <= $_[1] },
                      'has more elements than'),
    minProperties => bound(\&is_object, sub { keys %{ $_[0] } >= $_[1] },
                           'has fewer members than'),
    items => \&items_check,
    properties => \&properties_check,
    required => \&required_check,
    additionalProperties => \&additional_check,
    propertyNames => \&names_check,
    allOf => \&all_check,
    anyOf => \&any_check,
    oneOf => \&one_check,
    not => \&not_check,
);

my %is = (
    null => sub { !defined $_[0] },
    boolean => \&is_boolean,
    string => \&is_string,
    number => \&is_number,
    integer => sub { is_number($_[0]) && int $_[0] == $_[0] },
    array => \&is_array,
    object => \&is_object,
);

my $day = qr/\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])/;
my $hour = qr/(?:[01]\d|2[0-3]):[0-5]\d/;
my %format = (
    'date-time' => qr/\A${day}T$hour:[0-5]\d(?:\.\d+)?(?:Z|[+-]$hour)\z/,
    date => qr/\A$day\z/,
    uuid => qr/\A[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\z/,
    uri => qr/\A[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+\z/,
    'uri-reference' => qr{\A(?:[A-Za-z0-9._~:/?\#\[\]@!\$&'()*+,;=-]|%[0-9A-Fa-f]{2})*\z},
    int32 => qr//,
    int64 => qr//,
);

sub new {
    my ($class, $document, %option) = @_;

    return bless { document => $document, strict => 0, %option }, $class;
}

# compile($schema): a function that lists what is wrong with a value
sub compile {
    my ($self, $schema) = @_;

    return sub { } if is_boolean($schema) && $schema;
    return sub { ': is not allowed' } if is_boolean($schema);
    return $self->{compiled}{ refaddr $schema } //= $self->make($schema);
}

# A schema may hold itself: what is asked for while it is made, is the
# function that looks it up.
sub make {
    my ($self, $schema) = @_;
    my $address = refaddr $schema;
    my @checks;

    $self->{compiled}{$address} = sub { $self->{compiled}{$address}->(@_) };
    for my $name (sort keys %$schema) {
        next if $annotation{$name} || $name =~ /^x-/;
        my $make = $keyword{$name} or croak "schema keyword $name";
        push @checks, $make->($self, $schema, $name);
    }
    push @checks, $self->strict_check($schema) if $self->{strict};

    return $self->{compiled}{$address} = $checks[0] if @checks == 1;
    return $self->{compiled}{$address} = sub {
        my ($value) = @_;
        return map { $_->($value) } @checks;
    };
}

# resolve($node): what its $ref leads to, if it has one
sub resolve {
    my ($self, $node) = @_;

    while (ref $node eq 'HASH' && defined(my $ref = $node->{'$ref'})) {
        $ref =~ s{^#/}{} or croak "no such reference: $ref";
        $node = $self->{document};
        for my $key (split m{/}, $ref) {
            $key =~ s{~1}{/}g;
            $key =~ s{~0}{~}g;
            $node = $node->{$key} // croak "reference to nothing: $ref";
        }
    }
    return $node;
}


# what a value is; JSON::PP's numbers, strings and booleans are told apart

sub is_boolean { return blessed $_[0] && $_[0]->isa('JSON::PP::Boolean') }
sub is_array { return ref $_[0] eq 'ARRAY' }
sub is_object { return ref $_[0] eq 'HASH' }
sub is_number { return defined $_[0] && !ref $_[0]
                       && builtin::created_as_number($_[0]) }
sub is_string { return defined $_[0] && !ref $_[0]
                       && !builtin::created_as_number($_[0]) }

sub shown {
    my ($value) = @_;
    my $text = JSON::PP->new->allow_nonref->canonical->encode($value);

    return length $text > 200 ? substr($text, 0, 200) . '...' : $text;
}

# puts a member's name in front of what was found in it
sub within {
    my ($name, @errors) = @_;

    return map { "/$name$_" } @errors;
}


# keywords

sub ref_check {
    my ($self, $schema) = @_;

    return $self->compile($self->resolve({ '$ref' => $schema->{'$ref'} }));
}

sub type_check {
    my ($self, $schema) = @_;
    my @names = ref $schema->{type} ? @{ $schema->{type} } : $schema->{type};
    my @tests = map { $is{$_} // croak "schema type $_" } @names;
    my $text = join ' or ', @names;

    if (@tests == 1) {
        my $test = $tests[0];
        return sub {
            return $test->($_[0]) ? () : ': is not ' . $text . ': '
                . shown($_[0]);
        };
    }
    return sub {
        for my $test (@tests) {
            return if $test->($_[0]);
        }
        return ": is not $text: " . shown($_[0]);
    };
}

# a name for a scalar that no other one has
sub scalar_key {
    my ($value) = @_;

    return !defined $value ? 'null' : ref $value ? ($value ? 'true' : 'false')
        : is_number($value) ? "#$value" : "'$value";
}

sub enum_check {
    my ($self, $schema) = @_;
    my %known = map { scalar_key($_) => 1 } @{ $schema->{enum} };
    my $text = join ', ', map { shown($_) } @{ $schema->{enum} };

    return sub {
        return $known{ scalar_key($_[0]) } ? ()
            : ': ' . shown($_[0]) . " is not among $text";
    };
}

sub pattern_check {
    my ($self, $schema) = @_;
    my $pattern = qr/$schema->{pattern}/;

    return sub {
        return !is_string($_[0]) || $_[0] =~ $pattern ? ()
            : ': ' . shown($_[0]) . " does not match $schema->{pattern}";
    };
}

sub format_check {
    my ($self, $schema) = @_;
    my $pattern = $format{ $schema->{format} }
        // croak "schema format $schema->{format}";

    return sub {
        return !is_string($_[0]) || $_[0] =~ $pattern ? ()
            : ': ' . shown($_[0]) . " is no $schema->{format}";
    };
}

sub bound {
    my ($applies, $holds, $text) = @_;

    return sub {
        my ($self, $schema, $name) = @_;
        my $limit = $schema->{$name};

        return sub {
            return !$applies->($_[0]) || $holds->($_[0], $limit) ? ()
                : ': ' . shown($_[0]) . " $text $limit";
        };
    };
}

sub items_check {
    my ($self, $schema) = @_;
    my $check = $self->compile($schema->{items});

    return sub {
        my ($value) = @_;
        my @errors;

        return if !is_array($value);
        for my $i (0 .. $#$value) {
            push @errors, within($i, $_) for $check->($value->[$i]);
            last if @errors > 10;
        }
        return @errors;
    };
}

sub properties_check {
    my ($self, $schema) = @_;
    my %checks = map { $_ => $self->compile($schema->{properties}{$_}) }
                 keys %{ $schema->{properties} };

    return sub {
        my ($value) = @_;
        my @errors;

        return if !is_object($value);
        for my $name (keys %$value) {
            my $check = $checks{$name} or next;
            push @errors, within($name, $_) for $check->($value->{$name});
        }
        return @errors;
    };
}

sub required_check {
    my ($self, $schema) = @_;
    my @names = @{ $schema->{required} };

    return sub {
        my ($value) = @_;

        return if !is_object($value);
        return map { "/$_: is missing" } grep { !exists $value->{$_} } @names;
    };
}

sub additional_check {
    my ($self, $schema) = @_;
    my $check = $self->compile($schema->{additionalProperties});
    my $known = $schema->{properties} // {};

    return sub {
        my ($value) = @_;

        return if !is_object($value);
        return map { within($_, $check->($value->{$_})) }
               grep { !exists $known->{$_} } keys %$value;
    };
}

sub names_check {
    my ($self, $schema) = @_;
    my $check = $self->compile($schema->{propertyNames});

    return sub {
        my ($value) = @_;

        return if !is_object($value);
        return map { within($_, $check->($_)) } keys %$value;
    };
}

# members are named by the parts together: see strict_check
sub all_check {
    my ($self, $schema) = @_;
    my $open = Igjobs::Schema->new($self->{document});
    my @checks = map { $open->compile($_) } @{ $schema->{allOf} };

    return sub { my ($value) = @_; return map { $_->($value) } @checks };
}

sub any_check {
    my ($self, $schema) = @_;
    my @checks = map { $self->compile($_) } @{ $schema->{anyOf} };

    return sub {
        my ($value) = @_;
        my @errors;

        for my $check (@checks) {
            my @found = $check->($value) or return;
            push @errors, @found;
        }
        return @errors;
    };
}

sub one_check {
    my ($self, $schema) = @_;
    my @checks = map { $self->compile($_) } @{ $schema->{oneOf} };

    return sub {
        my ($value) = @_;
        my ($fits, @errors) = (0);

        for my $check (@checks) {
            my @found = $check->($value);
            $fits++ if !@found;
            push @errors, @found;
        }
        return if $fits == 1;
        return $fits ? ": fits $fits schemas of oneOf" : @errors;
    };
}

sub not_check {
    my ($self, $schema) = @_;
    my $check = $self->compile($schema->{not});

    return sub { return $check->($_[0]) ? () : ': is what it must not be' };
}

sub strict_check {
    my ($self, $schema) = @_;
    my %known;

    return if exists $schema->{additionalProperties};
    return if !$self->named_members($schema, \%known);
    return sub {
        my ($value) = @_;

        return if !is_object($value);
        return map { "/$_: is not described" }
               sort grep { !$known{$_} } keys %$value;
    };
}

# does the schema name an object's members? They go into %$known.
sub named_members {
    my ($self, $schema, $known) = @_;
    my $names = 0;

    if ($schema->{properties}) {
        $known->{$_} = 1 for keys %{ $schema->{properties} };
        $names = 1;
    }
    for my $part (@{ $schema->{allOf} // [] }) {
        $names |= $self->named_members($self->resolve($part), $known);
    }
    return $names;
}

1;
