# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The strongest mainstream stack: Fastify, pg and BullMQ. Options:
#   status_from => 'postgres'      or 'redis'
#   env => {}                      further settings, see fastify/settings.js

package Igjobs::Bench::Peer::Fastify;

use strict;
use warnings;
use parent 'Igjobs::Bench::Peer';

use constant PROCESSES => 2;          # of the API, and of the workers

sub name {
    my ($self) = @_;

    return 'Fastify + BullMQ' . ($self->from_redis ? ', status in Redis' : '')
        . $self->items;
}

sub features { return qw(status pages submit job) }

sub needs {
    return ('/usr/bin/node' => 'stack/packages install peers',
            Igjobs::Env::root() . '/bench/peers/fastify/node_modules' =>
                '(cd bench/peers/fastify && npm ci)');
}

sub from_redis {
    my ($self) = @_;

    return ($self->{status_from} // 'postgres') eq 'redis';
}

sub start_servers {
    my ($self) = @_;

    $self->program('api', sub { $self->answers });
    $self->program('worker', sub {
        my @ready = $_[0]->log_text =~ /^worker ready$/mg;
        @ready == PROCESSES;
    });
    return;
}

sub program {
    my ($self, $kind, $when) = @_;
    my $code = $self->code_dir('fastify');

    return $self->start_server($kind, name => "fastify-$kind", when => $when,
        command => ['/usr/bin/node', "$code/$kind.js"]);
}

sub environment {
    my ($self) = @_;

    return ($self->SUPER::environment, NODE_ENV => 'production',
            STATUS_FROM => $self->{status_from} // 'postgres',
            WORKER_PROCESSES => PROCESSES,
            API_PROCESSES => PROCESSES, %{ $self->{env} // {} });
}

sub seed_jobs {
    my ($self, $n) = @_;
    my @ids = $self->SUPER::seed_jobs($n);

    $self->redis_set({ map { ("status:$_" => $self->status_document($_)) }
                       @ids }) if $self->from_redis;
    return @ids;
}

1;
