# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The command igjobs as a user runs it, with or without a terminal.
#
#   my $igjobs = Igjobs::Command->new($url);
#   my $r = $igjobs->run([qw(submit -)], in => "one\ntwo\n", env => {...});
#   $r->{status}, $r->{out}, $r->{err}
#   my $r = $igjobs->on_terminal([qw(watch), $id], columns => 60);   # {out}: both
#   my $process = $igjobs->start([...]);  $process->{pid}; $igjobs->end($process)

package Igjobs::Command;

use strict;
use warnings;
use POSIX ();
use Igjobs::Env;
use Igjobs::Wait;

sub new {
    my ($class, $url) = @_;

    return bless { url => $url, dir => Igjobs::Env::new_dir('command') },
        $class;
}

sub path { return Igjobs::Env::built('igjobs') }
sub dir { return $_[0]{dir} }

# run(\@words, in => $text, env => {...}): waits for the end; status is that of
# a shell, 128 + n after signal n
sub run {
    my ($self, $words, %option) = @_;

    return $self->end($self->start($words, %option));
}

sub start {
    my ($self, $words, %option) = @_;
    my $base = "$self->{dir}/" . ++$self->{runs};

    write_file("$base.in", $option{in} // '');
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', $option{in_file} // "$base.in";
        open STDOUT, '>', $option{out_file} // "$base.out";
        open STDERR, '>', "$base.err";
        my $path = path();
        $self->environment($option{env});
        exec { $path } 'igjobs', @$words or POSIX::_exit(127);
    }
    return { pid => $pid, base => $base };
}

sub environment {
    my ($self, $env) = @_;

    delete @ENV{grep { /^(IGJOBS_|https?_proxy|all_proxy|NO_COLOR|SSL_|CURL_)/i }
                keys %ENV};
    $ENV{IGJOBS_URL} = $self->{url};
    $ENV{TERM} = 'xterm';
    $ENV{$_} = $env->{$_} for keys %{ $env // {} };
    return;
}

sub end {
    my ($self, $process) = @_;
    my $pid = $process->{pid};

    my $ended = eval {
        wait_for { waitpid($pid, POSIX::WNOHANG) == $pid } 60, 'igjobs to end';
    };
    my $status = $?;
    if (!$ended) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
        die "igjobs did not end: " . read_file("$process->{base}.err");
    }
    return { status => $status & 127 ? 128 + ($status & 127) : $status >> 8,
             map { $_ => read_file("$process->{base}.$_") } qw(out err) };
}

# what standard error holds so far
sub said { return read_file("$_[1]{base}.err") }

# on_terminal(\@words, columns => 80, env => {...}): script(1) gives the
# terminal; {out} is what a user sees, with all control sequences
sub on_terminal {
    my ($self, $words, %option) = @_;
    my $base = "$self->{dir}/" . ++$self->{runs};
    my $columns = $option{columns} // 80;
    my $command = join ' ', map { "'$_'" } $self->path, @$words;

    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', "$base.err";
        $self->environment($option{env});
        exec 'script', '-qec', "stty cols $columns; exec $command", "$base.out"
            or POSIX::_exit(127);
    }
    my $result = $self->end({ pid => $pid, base => $base });
    $result->{out} =~ s/\AScript started.*?\n//;
    $result->{out} =~ s/\s*Script done.*\z/\n/s;
    return $result;
}

sub write_file {
    my ($path, $text) = @_;

    open my $out, '>', $path or die "$path: $!";
    print $out $text;
    close $out or die "$path: $!";
    return $path;
}

sub read_file {
    my ($path) = @_;

    open my $in, '<', $path or return '';
    local $/;
    return scalar(<$in>) // '';
}

1;
