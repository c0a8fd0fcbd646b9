# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# One igjobs-worker.

package Igjobs::Worker;

use strict;
use warnings;
use parent 'Igjobs::Process';
use Igjobs::Env;

# new(args => [...], env => {...}, postgres => CONNINFO, redis => URL,
#     sim => URL, name => 'worker')
sub new {
    my ($class, %option) = @_;
    my $dir = $option{dir} // Igjobs::Env::new_dir('worker');
    my %env = (
        DATABASE_URL => $option{postgres},
        REDIS_URL => $option{redis},
        APIFY_BASE_URL => $option{sim},
        APIFY_API_KEY => 'apify_api_test',
        APIFY_ACTOR_ID => 'igjobs~followers',
        Igjobs::Env::sanitizer_env($dir, leaks => 1),
        %{ $option{env} // {} },
    );
    delete @env{grep { !defined $env{$_} } keys %env};

    return $class->SUPER::new(
        name => $option{name} // 'worker', dir => $dir, env => \%env,
        command => [Igjobs::Env::staged(Igjobs::Env::built('igjobs-worker')),
                    @{ $option{args} // [] }]);
}

1;
