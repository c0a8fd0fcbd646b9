# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Clients that send one request after the other until they are told to end,
# and what answers they got.
#
#   my $load = Igjobs::Load->new(port => $port, path => $path)->start;
#   $load->wait_for_requests(100);       # that many more have been answered
#   my %count = $load->finish;           # (200 => 1234) or (503 => 1, ...)

package Igjobs::Load;

use strict;
use warnings;
use IO::Handle;
use POSIX ();
use Igjobs::Env;
use Igjobs::Http;
use Igjobs::Wait;

# new(port => ..., path => ..., clients => 4, keep => 0)
#   keep   use a connection for many requests; else a new one each time
#   body   text to POST as JSON; else GET
sub new {
    my ($class, %option) = @_;

    return bless { clients => 4, keep => 0, %option }, $class;
}

sub start {
    my ($self) = @_;

    $self->{dir} = Igjobs::Env::new_dir('load');
    for my $number (1 .. $self->{clients}) {
        my $file = "$self->{dir}/$number";
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            eval { $self->client($file) };
            POSIX::_exit($@ ? 1 : 0);
        }
        push @{ $self->{pids} }, $pid;
        push @{ $self->{files} }, $file;
    }
    return $self;
}

# in a process of its own: a line for each answer
sub client {
    my ($self, $file) = @_;
    my $http = Igjobs::Http->new($self->{port}, openapi => 1);
    my @close = $self->{keep} ? () : (headers => [Connection => 'close']);

    open my $out, '>', $file or die "$file: $!";
    $out->autoflush(1);
    while (!-e "$self->{dir}/end" && getppid() != 1) {
        my $r = eval {
            defined $self->{body}
                ? $http->post_json($self->{path}, $self->{body}, @close)
                : $http->get($self->{path}, @close);
        };
        print $out $r ? $r->{status} : 'failed: ' . $@ =~ s/\n.*//sr, "\n";
        $http->cut if !$r;
    }
    close $out;
    return;
}

# (answer => how often) so far
sub count {
    my ($self) = @_;
    my %count;

    for my $file (@{ $self->{files} }) {
        open my $in, '<', $file or next;
        while (my $line = <$in>) {
            chomp $line;
            $count{$line}++;
        }
    }
    return %count;
}

sub total {
    my ($self) = @_;
    my %count = $self->count;
    my $total = 0;

    $total += $_ for values %count;
    return $total;
}

sub wait_for_requests {
    my ($self, $more) = @_;
    my $enough = $self->total + $more;

    wait_for { $self->total >= $enough } 60, "$more more answers";
    return $self;
}

sub finish {
    my ($self) = @_;

    open my $end, '>', "$self->{dir}/end" or die "$self->{dir}/end: $!";
    waitpid $_, 0 for @{ $self->{pids} };
    $self->{pids} = [];
    return $self->count;
}

sub DESTROY {
    my ($self) = @_;

    return if !$self->{pids} || !@{ $self->{pids} };
    local ($?, $@, $!);
    $self->finish;
    return;
}

1;
