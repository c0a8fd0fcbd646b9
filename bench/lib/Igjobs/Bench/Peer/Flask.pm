# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The replaced design: Flask under gunicorn, a Celery chord over Redis.
#   tuned => 1     the best that can be made of these parts
#   env => {}      further settings, see flask/settings.py, gunicorn.conf.py

package Igjobs::Bench::Peer::Flask;

use strict;
use warnings;
use parent 'Igjobs::Bench::Peer';

my $install = 'stack/packages install peers';

sub name {
    my ($self) = @_;

    return ($self->{tuned} ? 'Flask + Celery, tuned' : 'Flask + Celery chord')
        . $self->items;
}

sub features { return qw(status pages submit job) }

sub needs {
    return map { ($_ => $install) } '/usr/bin/gunicorn',
        map { "/usr/lib/python3/dist-packages/$_" }
        qw(flask celery psycopg2 redis);
}

sub start_servers {
    my ($self) = @_;
    my $code = $self->code_dir('flask');

    $self->start_server('api', name => 'flask-api',
        command => ['/usr/bin/python3', '/usr/bin/gunicorn', '--chdir', $code,
                    '-c', "$code/gunicorn.conf.py"],
        when => sub { $self->answers });
    $self->start_server('worker', name => 'flask-worker',
        command => ['/usr/bin/python3', '-m', 'celery', '--workdir', $code,
                    '-A', 'tasks', 'worker', '-Q', 'default',
                    '-c', $self->{tuned} ? 3 : 4, '-l', 'INFO',
                    '--without-gossip', '--without-mingle',
                    '--without-heartbeat'],
        when => sub { $_[0]->log_text =~ / ready\.$/m });
    return;
}

sub environment {
    my ($self) = @_;

    return ($self->SUPER::environment, PYTHONDONTWRITEBYTECODE => 1,
            TUNED => $self->{tuned} ? 1 : 0, %{ $self->{env} // {} });
}

1;
