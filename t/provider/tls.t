# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# TLS of the provider client: a certificate that nobody vouches for and a
# protocol that is too old end the call before anything is sent.

use strict;
use warnings;
use Test::More;
use IO::Socket::INET;
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Process;
use Igjobs::Wait;

my $drive = Igjobs::Env::built('t/apify_drive');
my $dir = Igjobs::Env::new_dir('tls');

system("openssl req -x509 -newkey rsa:2048 -nodes -keyout $dir/key.pem "
       . "-out $dir/cert.pem -days 2 -subj /CN=127.0.0.1 2>/dev/null") == 0
    or plan skip_all => 'openssl cannot make a certificate';
Igjobs::Env::give("$dir/key.pem", "$dir/cert.pem");

# what the start of a run says when the server is "openssl s_server @words"
sub start_against {
    my @words = @_;
    my $port = free_port();
    my $server = Igjobs::Process->new(
        name => 'openssl', dir => $dir,
        command => ['openssl', 's_server', '-accept', "127.0.0.1:$port",
                    '-cert', "$dir/cert.pem", '-key', "$dir/key.pem", '-www',
                    @words]);

    $server->spawn;
    wait_for {
        $server->must_run;
        IO::Socket::INET->new("127.0.0.1:$port");
    } 20, 'openssl s_server';

    open my $in, '-|', $drive, "https://127.0.0.1:$port", 'actor', 'nasa', 1,
        1, 8000 or die "$drive: $!";
    my $text = do { local $/; <$in> };
    close $in;
    $server->kill9;
    return $text;
}

like(start_against(), qr/^start stop start: .*certificate/i,
     'a certificate that nobody vouches for');
like(start_against('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'),
     qr/^start stop start: /, 'TLS 1.1');

done_testing;
