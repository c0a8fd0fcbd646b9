# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# What the tests know about the machine: the checkout, the built programs, the
# account that servers run under, private directories, sanitizer settings.
#
# t/run sets IGJOBS_RUN_DIR (one private directory of the whole run, removed
# by it) and IGJOBS_BUILD. A test that is run alone makes its own run directory
# and removes it at its end.

package Igjobs::Env;

use strict;
use warnings;
use Cwd 'abs_path';
use File::Basename 'dirname';
use File::Path 'remove_tree';
use File::Temp 'tempdir';

use constant POSTGRES_BIN => '/usr/lib/postgresql/15/bin';

# nginx lies there, which is not on everybody's path
$ENV{PATH} .= ':/usr/sbin:/sbin';

my $root = abs_path(dirname(abs_path(__FILE__)) . '/../../..');
my ($run_dir, $own_run_dir);

# the checkout; may hold spaces and be unreadable for the servers' account
sub root { return $root }

sub sanitized { return $ENV{IGJOBS_SANITIZE} ? 1 : 0 }

# path of a built program: igjobs-worker, igjobs-sim, t/NAME
sub built {
    my ($name) = @_;
    my $build = $ENV{IGJOBS_BUILD}
                || 'build' . (sanitized() ? '/sanitize' : '');

    $build = "$root/$build" if $build !~ m{^/};
    return "$build/$name";
}

# A copy of a file of the checkout that the servers' account can read.
sub staged {
    my ($path) = @_;
    my ($name) = $path =~ m{([^/]+)$};
    my $copy = run_dir() . "/bin/$name";

    return $path if $> != 0;

    mkdir run_dir() . '/bin', 0755;
    if (!-e $copy || -M $copy > -M $path) {
        system('cp', '--', $path, "$copy.$$") == 0 or die "cannot copy $path";
        chmod 0755, "$copy.$$";
        rename "$copy.$$", $copy or die "rename $copy: $!";
    }
    return $copy;
}

# the private directory of this run; short, because sockets lie in it
sub run_dir {
    return $run_dir if $run_dir;

    if ($ENV{IGJOBS_RUN_DIR}) {
        $run_dir = $ENV{IGJOBS_RUN_DIR};
    } else {
        $run_dir = $own_run_dir = tempdir('igjobs-t.XXXXXX', DIR => '/tmp');
        chmod 0711, $run_dir;
        # children that fork must not remove it
        $own_run_dir = { path => $run_dir, pid => $$ };
    }
    return $run_dir;
}

# new_dir($name): a private directory owned by the servers' account
sub new_dir {
    my ($name) = @_;
    my $dir = tempdir("$name.XXXXXX", DIR => run_dir());

    give($dir);
    return $dir;
}

# hands paths to the servers' account, when there is another one
sub give {
    my @paths = @_;

    return if $> != 0;
    my ($uid, $gid) = (getpwnam account())[2, 3];
    chown $uid, $gid, @paths;
    return;
}

# Servers never run as root: as root they run under the account that Debian
# made for Postgres, otherwise under the caller's own.
sub account {
    return $> == 0 ? 'postgres' : (getpwuid $>)[0];
}

# Words in front of a server's command line: drop root, and get a signal when
# the test itself is killed, so that nothing is left behind.
sub as_account {
    my ($death_signal) = @_;
    my @words = ('setpriv', '--pdeathsig', $death_signal);

    if ($> == 0) {
        push @words, '--reuid', account(), '--regid', account(),
            '--init-groups';
    }
    return @words, '--';
}

# Environment of a sanitized server whose reports go to DIR/sanitizer.*;
# leaks => 1 looks for leaked memory at exit (not in nginx: pools).
sub sanitizer_env {
    my ($dir, %option) = @_;

    return () if !sanitized();

    my $common = "log_path=$dir/sanitizer:halt_on_error=1:abort_on_error=0"
                 . ':exitcode=99';
    my $leaks = $option{leaks} ? 1 : 0;
    my @env = (
        ASAN_OPTIONS => "$common:detect_leaks=$leaks",
        UBSAN_OPTIONS => "$common:print_stacktrace=1",
    );
    push @env, LSAN_OPTIONS => 'suppressions=' . "$root/t/lib/leaks.txt"
        if $leaks && -e "$root/t/lib/leaks.txt";
    push @env, LD_PRELOAD => preload() if $option{preload};
    return @env;
}

# the sanitizers' libraries for a stock program that loads a sanitized module
sub preload {
    my @libraries = map { my $path = `gcc -print-file-name=$_`;
                          chomp $path; abs_path($path) }
                    qw(libasan.so libubsan.so);

    return join ' ', @libraries;
}

# rss($pid), peak_rss($pid): resident memory in KiB
sub rss { return status_field($_[0], 'VmRSS') }
sub peak_rss { return status_field($_[0], 'VmHWM') }

sub status_field {
    my ($pid, $field) = @_;

    open my $in, '<', "/proc/$pid/status" or return;
    while (my $line = <$in>) {
        return $1 if $line =~ /^$field:\s+(\d+)/;
    }
    return;
}

# children($pid): process ids of its children
sub children {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/task/$pid/children" or return;
    return split ' ', (<$in> // '');
}

# processes whose working directory lies in $dir: every server starts there
sub processes_in {
    my ($dir) = @_;
    my @pids;

    for my $link (glob '/proc/[0-9]*/cwd') {
        my $cwd = readlink $link // next;
        push @pids, $link =~ /(\d+)/ if $cwd =~ m{^\Q$dir\E(/|$)};
    }
    return grep { $_ != $$ } @pids;
}

END {
    if ($own_run_dir && $own_run_dir->{pid} == $$) {
        my $status = $?;
        remove_tree($own_run_dir->{path}) if !$ENV{IGJOBS_KEEP};
        print STDERR "# kept $own_run_dir->{path}\n" if $ENV{IGJOBS_KEEP};
        $? = $status;
    }
}

1;
