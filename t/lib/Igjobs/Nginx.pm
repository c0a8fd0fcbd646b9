# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The stock nginx with the module loaded, on a free loopback port.

package Igjobs::Nginx;

use strict;
use warnings;
use parent 'Igjobs::Process';
use Carp;
use Igjobs::Env;
use Igjobs::Http;
use Igjobs::Port 'free_port';
use Igjobs::Wait;

# new(postgres => CONNINFO, redis => ADDRESS, ...), all optional:
#   main, events, http, server, locations   configuration text of that level
#   config           the whole http { } content instead of the usual one
#   worker_processes 1; connections 2048; log_level info; ready_path /livez ('' asks nothing)
# redis => undef leaves igjobs_redis out. In texts, %%PORT%% and %%DIR%% stand
# for the port and the private directory.
sub new {
    my ($class, %option) = @_;
    my $dir = $option{dir} // Igjobs::Env::new_dir('nginx');
    my $self = $class->SUPER::new(
        name => 'nginx', dir => $dir, port => free_port(),
        death_signal => 'TERM', stop_signal => 'QUIT',
        log => "$dir/error.log", option => { %option },
        allowed_alerts => [],
        env => { Igjobs::Env::sanitizer_env($dir, preload => 1) },
    );
    $self->{command} = ['nginx', '-e', "$dir/error.log", '-p', $dir, '-c',
                        "$dir/nginx.conf"];
    $self->write_config;
    return $self;
}

sub port { return $_[0]{port} }

# configure(name => value, ...): new values for options of new(); takes effect
# at the next start or reload
sub configure {
    my ($self, %option) = @_;

    $self->{option} = { %{ $self->{option} }, %option };
    return $self->write_config;
}

sub write_config {
    my ($self) = @_;
    my $text = $self->config_text;

    $text =~ s/%%PORT%%/$self->{port}/g;
    $text =~ s/%%DIR%%/$self->{dir}/g;
    open my $out, '>', "$self->{dir}/nginx.conf" or die "nginx.conf: $!";
    print $out $text;
    close $out or die "nginx.conf: $!";
    return $self;
}

sub config_text {
    my ($self) = @_;
    my $option = $self->{option};
    my %text = map { $_ => $option->{$_} // '' } qw(main events http server);
    my $module = Igjobs::Env::staged(
        Igjobs::Env::built('ngx_http_igjobs_module.so'));
    my $processes = $option->{worker_processes} // 1;
    my $level = $option->{log_level} // 'info';
    my $connections = $option->{connections} // 2048;
    my $content = $option->{config} // $self->http_text(%text);

    return <<"CONFIG";
load_module "$module";
daemon off;
worker_processes $processes;
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/error.log $level;
$text{main}
events {
    worker_connections $connections;
    $text{events}
}
http {
    access_log %%DIR%%/access.log;
    client_body_temp_path %%DIR%%/body;
    proxy_temp_path %%DIR%%/proxy;
    fastcgi_temp_path %%DIR%%/fastcgi;
    uwsgi_temp_path %%DIR%%/uwsgi;
    scgi_temp_path %%DIR%%/scgi;
$content
}
CONFIG
}

sub http_text {
    my ($self, %text) = @_;
    my $option = $self->{option};
    my $backends = '';
    my $locations = $option->{locations} // <<'LOCATIONS';
        location /api/ { igjobs; }
        location = /health { igjobs; }
        location = /healthz { igjobs; }
        location = /livez { igjobs; }
        location = /readyz { igjobs; }
LOCATIONS

    $backends .= qq{    igjobs_postgres "$option->{postgres}";\n}
        if defined $option->{postgres};
    $backends .= qq{    igjobs_redis "$option->{redis}";\n}
        if defined $option->{redis};

    return <<"HTTP";
$backends
    $text{http}
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name localhost;
        $text{server}
$locations
    }
HTTP
}

sub ready {
    my ($self) = @_;
    my $path = $self->{option}{ready_path} // '/livez';

    return Igjobs::Process::listens($self->{port}) if $path eq '';
    my $response = eval { Igjobs::Http->new($self->{port})->get($path) };
    return $response && $response->{status} == 200;
}

# test_config(): (exit status, what "nginx -t" prints) for the present options
sub test_config {
    my ($self) = @_;
    my $check = Igjobs::Process->new(
        name => 'nginx-t', dir => $self->{dir}, env => $self->{env},
        command => [@{ $self->{command} }, '-t']);

    unlink $check->log_file;
    my $status = $check->spawn->wait_end;
    return ($status >> 8, $check->log_text);
}

# pids of the worker processes that are not on their way out
sub workers {
    my ($self) = @_;

    return grep { title($_) =~ /^nginx: worker process$/ }
           Igjobs::Env::children($self->pid);
}

sub title {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/cmdline" or return '';
    my $title = <$in> // '';
    $title =~ s/[\0 ]+\z//;
    return $title;
}

# reload: new workers run, the old ones may still finish their requests
sub reload {
    my ($self) = @_;
    my %old = map { $_ => 1 } $self->workers;

    $self->signal('HUP');
    wait_for { my @now = $self->workers; @now && !grep { $old{$_} } @now }
        20, 'new nginx workers';
    return $self;
}

# allow_alerts(qr/.../): lines at alert level or worse that this test provokes
sub allow_alerts {
    my ($self, @patterns) = @_;

    push @{ $self->{allowed_alerts} }, @patterns;
    return $self;
}

# lines of the error log that no test may leave behind
sub alerts {
    my ($self) = @_;
    my @alerts = grep { /\[(?:alert|emerg|crit)\]|exited with code [1-9]/ }
                 split /\n/, $self->log_text;

    for my $allowed (@{ $self->{allowed_alerts} }) {
        @alerts = grep { !/$allowed/ } @alerts;
    }
    return @alerts;
}

# a client for this server whose answers are held to docs/openapi.json, see
# Igjobs::Http
sub client {
    my ($self, %option) = @_;

    return Igjobs::Http->new($self->{port}, openapi => 1, %option);
}

1;
