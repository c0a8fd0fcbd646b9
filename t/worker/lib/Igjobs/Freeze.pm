# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Workers that stop themselves (SIGSTOP) at the call that starts a run.
#
#   my $worker = $stack->add_worker(env => { freeze_env($dir) }, ...);
#   freeze_at($dir, 'before');         # or after, or late: see freeze.c
#   ...
#   wait_frozen($worker);
#   $worker->resume;

package Igjobs::Freeze;

use strict;
use warnings;
use Cwd 'abs_path';
use Exporter 'import';
use File::Basename 'dirname';
use Igjobs::Env;
use Igjobs::Wait;

our @EXPORT = qw(freeze_env freeze_at wait_frozen);

my $source = dirname(abs_path(__FILE__)) . '/../freeze.c';
my $library;

# the environment of a worker that freeze_at($dir, ...) reaches
sub freeze_env {
    my ($dir) = @_;
    my @first = Igjobs::Env::sanitized() ? Igjobs::Env::preload() : ();

    $library //= build();
    return (FREEZE_FILE => "$dir/freeze",
            LD_PRELOAD => join ' ', @first, $library);
}

sub build {
    my $path = Igjobs::Env::new_dir('freeze') . '/freeze.so';

    system(qw(gcc -std=c11 -D_GNU_SOURCE -shared -fPIC -o), $path, $source)
        == 0 or die 'freeze.c does not compile';
    chmod 0755, $path;
    return $path;
}

# where the next start of a run freezes the worker
sub freeze_at {
    my ($dir, $where) = @_;

    open my $out, '>', "$dir/freeze.new" or die "$dir: $!";
    print $out $where;
    close $out;
    Igjobs::Env::give("$dir/freeze.new");
    rename "$dir/freeze.new", "$dir/freeze" or die "$dir: $!";
    return;
}

sub wait_frozen {
    my ($worker) = @_;

    wait_for {
        open my $in, '<', '/proc/' . $worker->pid . '/stat' or return 0;
        scalar(<$in>) =~ /\) T /;
    } 30, $worker->name . ' to freeze';
    return $worker;
}

1;
