# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs-worker under callgrind: one that takes batches, and "classify". Only
# what happens inside one function is counted, in whatever thread it runs, so
# that beats, sweeps and waiting count for nothing.

package Igjobs::Guard::Worker;

use strict;
use warnings;
use parent 'Igjobs::Worker';
use POSIX ();
use Igjobs::Guard::Callgrind;

# new(inside => FUNCTION, options of Igjobs::Worker)
sub new {
    my ($class, %option) = @_;
    my $function = delete $option{inside};
    my $self = $class->SUPER::new(%option);

    $self->{env} = { %{ $self->{env} },
                     Igjobs::Guard::Callgrind::environment() };
    $self->{command} = [
        Igjobs::Guard::Callgrind::command($self->{dir},
                                          "--toggle-collect=$function"),
        @{ $self->{command} }];
    return $self;
}

# dump(): of the worker that has ended
sub dump {
    my ($self) = @_;

    return Igjobs::Guard::Callgrind::last_dump($self->{dir});
}

# classify(inside => FUNCTION, input => TEXT): the dump of having read the text
sub classify {
    my ($class, %option) = @_;
    my $self = $class->new(inside => $option{inside}, args => ['classify']);
    my $file = "$self->{dir}/input";

    open my $out, '>', $file or die "$file: $!\n";
    print $out $option{input};
    close $out or die "$file: $!\n";
    Igjobs::Env::give($file);

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN, '<', $file or POSIX::_exit(126);
        open STDOUT, '>', '/dev/null' or POSIX::_exit(126);
        $ENV{$_} = $self->{env}{$_} for keys %{ $self->{env} };
        exec { 'setpriv' } Igjobs::Env::as_account('KILL'),
            @{ $self->{command} } or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    die "classify: status $?\n" if $? != 0;
    return $self->dump;
}

1;
