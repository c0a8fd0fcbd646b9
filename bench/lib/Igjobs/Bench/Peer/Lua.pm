# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The status in nginx with Lua, from Redis: what one writes who has an nginx
# and no wish for C. Options: workers => 1, processes of nginx.

package Igjobs::Bench::Peer::Lua;

use strict;
use warnings;
use parent 'Igjobs::Bench::Peer';
use Carp;

my $modules = '/usr/lib/nginx/modules';
my $install = 'stack/packages install peers';

sub name { return 'nginx + Lua + Redis' }
sub features { return 'status' }

sub needs {
    return ("$modules/ngx_http_lua_module.so" => $install,
            '/usr/share/lua/5.1/nginx/redis.lua' => $install);
}

sub start_servers {
    my ($self) = @_;

    $self->write_config;
    return $self->start_server('api',
        name => 'nginx-lua', log => "$self->{dir}/error.log",
        stop_signal => 'QUIT',
        command => ['nginx', '-e', "$self->{dir}/error.log", '-p',
                    $self->{dir}, '-c', "$self->{dir}/nginx.conf"],
        when => sub { $self->answers });
}

sub write_config {
    my ($self) = @_;
    my $code = $self->code_dir('lua');
    my %environment = $self->environment;
    my %word = (MODULES => $modules, WORKERS => $self->{workers} // 1,
                PORT => $self->{port}, CODE => $code,
                REDIS_SOCKET => $environment{REDIS_SOCKET},
                REDIS_DB => $environment{REDIS_DB});

    open my $in, '<', "$code/nginx.conf.in" or croak "nginx.conf.in: $!";
    my $text = do { local $/; <$in> };
    $text =~ s/@([A-Z_]+)@/$word{$1}/g;
    open my $out, '>', "$self->{dir}/nginx.conf" or croak "nginx.conf: $!";
    print $out $text;
    close $out or croak "nginx.conf: $!";
    return;
}

# documents of running jobs, straight into Redis
sub seed_jobs {
    my ($self, $n) = @_;
    my @ids = map { random_id() } 1 .. $n;

    $self->redis_set({ map { ("status:$_" => $self->status_document($_)) }
                       @ids });
    return @ids;
}

sub random_id {
    return sprintf '%08x-%04x-4%03x-8%03x-%06x%06x', rand 2**32, rand 2**16,
        rand 2**12, rand 2**12, rand 2**24, rand 2**24;
}

1;
