# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# selection: how long does a daily selection of 14,400 profiles from a pool of
# 5,000,000 take, and the distribution of them over 80 tables?
#
# The limit is a bare update of as many rows of the same table that returns
# them, without its triggers, in psql. A checkpoint stands before each, as on a
# day when one has: the first change of each page is written whole.

package Igjobs::Bench::Question::selection;

use strict;
use warnings;
use parent 'Igjobs::Bench::Question';
use Carp;
use Time::HiRes 'time';

use constant { POOL => 5_000_000, PROFILES => 14_400 };

sub title { return 'selection of 14,400 of 5,000,000 profiles' }
sub warms { return 1 }

sub prepare {
    my ($self) = @_;

    $self->start_servers(parts => [qw(postgres redis nginx)]);
    $self->fill_pool;
    $self->series('selection', sub { $self->select_campaign });
    $self->series('distribution', sub { $self->distribute });
    $self->series('update', sub { $self->update });

    $self->table('milliseconds', 'igjobs, selection' => 'selection',
        'bare update ... returning of as many rows' => 'update',
        'igjobs, distribution' => 'distribution');
    $self->goal('selection / bare update ... returning',
        ratio => ['selection', 'update'], at_most => 2);
    return;
}

# in the order of time; ids and names are as scattered as in life
sub fill_pool {
    my ($self) = @_;

    $self->stack->psql(join ";\n", "set maintenance_work_mem = '512MB'",
        "set session_replication_role = 'replica'",
        'alter table public.global_usernames'
            . ' drop constraint global_usernames_pkey,'
            . ' drop constraint global_usernames_username_key',
        'drop index public.global_usernames_unused',
        <<'SQL' . 'from generate_series(1, ' . POOL . ') n',
insert into public.global_usernames (id, username, full_name, created_at)
select (hashint8extended(n, 1) & 4294967295)::text || n,
    'user.' || to_hex(hashint8extended(n, 2)) || to_hex(n % 97),
    'Name Surname ' || n, now() - interval '30 days' + n * interval '0.5 s'
SQL
        'alter table public.global_usernames'
            . ' add constraint global_usernames_pkey'
            . ' primary key (tenant, base_id, id),'
            . ' add constraint global_usernames_username_key'
            . ' unique (tenant, base_id, username)',
        'create index global_usernames_unused on public.global_usernames'
            . ' (tenant, base_id, created_at, id) where not used',
        'vacuum analyze public.global_usernames',
        'select igjobs.count_pool()');
    return;
}

# a call: milliseconds and its answer
sub call {
    my ($self, $path) = @_;
    my $http = $self->product->nginx->client;

    $self->stack->psql('checkpoint');
    $http->get('/livez');
    my $begin = time();
    my $r = $http->post_json($path, '{}');
    my $ms = 1000 * (time() - $begin);

    croak "$path: $r->{body}" if $r->{status} != 200;
    return ($ms, $r->json);
}

sub select_campaign {
    my ($self) = @_;
    my ($ms, $answer) = $self->call('/api/daily-selection');

    croak "$answer->{total_selected} selected"
        if $answer->{total_selected} != PROFILES;
    push @{ $self->{campaigns} }, $answer->{campaign_id};
    return $ms;
}

# the campaign of this round, or a new one where that comes later
sub distribute {
    my ($self) = @_;

    $self->select_campaign if !@{ $self->{campaigns} // [] };
    my $id = pop @{ $self->{campaigns} };
    my ($ms, $answer) = $self->call("/api/distribute/$id");

    croak "$answer->{total_distributed} distributed"
        if $answer->{total_distributed} != PROFILES;
    return $ms;
}

sub update {
    my ($self) = @_;
    my $profiles = PROFILES;

    $self->stack->psql('checkpoint');
    my $text = $self->stack->psql(<<"SQL");
set session_replication_role = 'replica';
\\timing on
update public.global_usernames set used = true, used_at = now()
where ctid = any (array(
    select ctid from public.global_usernames
    where tenant = 'default' and base_id = 'default_instagram' and not used
    order by created_at, id limit $profiles))
returning id, username, full_name;
SQL
    my $rows = () = $text =~ /\|Name /g;
    croak "$rows updated" if $rows != PROFILES;
    $text =~ /^Time: ([\d.]+) ms/m or croak 'no time';
    return $1;
}

1;
