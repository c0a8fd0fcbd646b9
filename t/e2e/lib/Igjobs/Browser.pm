# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Headless Chromium that opens a page, with a profile of its own that goes with
# the test.

package Igjobs::Browser;

use strict;
use warnings;
use parent 'Igjobs::Process';
use Igjobs::Env;

# why there is none, or nothing
sub missing {
    return if -x '/usr/bin/chromium';
    return 'no Chromium here: stack/packages install browser';
}

# new($url, @words): with words of the command line that say what to do there;
# without any it stays
sub new {
    my ($class, $url, @words) = @_;
    my $dir = Igjobs::Env::new_dir('browser');

    @words = '--remote-debugging-port=0' if !@words;

    # its sandbox needs rights that containers lack; it sees loopback only
    return $class->SUPER::new(
        name => 'chromium', dir => $dir, env => { HOME => $dir },
        command => ['/usr/bin/chromium', '--headless', '--no-sandbox',
            '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
            '--disable-background-networking', '--disable-component-update',
            '--disable-breakpad', '--host-resolver-rules=MAP * ~NOTFOUND'
            . ' , EXCLUDE 127.0.0.1',
            "--user-data-dir=$dir/profile", @words, $url]);
}

1;
