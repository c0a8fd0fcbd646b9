#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# igjobs, the command, to a server behind TLS, HTTP/2, a password and a proxy,
# which answers others with results.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use JSON::PP ();
use MIME::Base64 'encode_base64';
use Test::More;
use Igjobs::Command;
use Igjobs::Env;
use Igjobs::Port 'free_port';
use Igjobs::Stack;
use Igjobs::HttpServer qw(problem);

my $dir = Igjobs::Env::new_dir('certificate');
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
       . " -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
       . " -keyout $dir/key.pem -out $dir/certificate.pem 2>/dev/null") == 0
    or die 'no certificate';
Igjobs::Command::write_file("$dir/users", "me:{PLAIN}s3cret\n");
Igjobs::Env::give(glob "$dir/*");

my $port = free_port();
my $stack = Igjobs::Stack->new(nginx => { redis => undef, http => <<"HTTP" });
    server {
        listen 127.0.0.1:$port ssl http2;
        ssl_certificate $dir/certificate.pem;
        ssl_certificate_key $dir/key.pem;
        auth_basic igjobs;
        auth_basic_user_file $dir/users;

        location /api/ {
            igjobs;
            igjobs_max_body_size 4k;
            igjobs_sync_answers on;
        }
    }
HTTP
$stack->start(qw(postgres nginx));

my $igjobs = Igjobs::Command->new("https://127.0.0.1:$port");
my %trust = (CURL_CA_BUNDLE => "$dir/certificate.pem");
my %allowed = (%trust, IGJOBS_HEADER => 'Authorization: Basic '
               . encode_base64('me:s3cret', ''));

my $r = $igjobs->run(['submit', 'a', '--patience', 0]);
is $r->{status}, 3, 'a certificate of nobody known';
like $r->{err}, qr/certificate/, 'is the reason';

$r = $igjobs->run(['submit', 'a'], env => \%trust);
is $r->{status}, 3, 'no password';
like $r->{err}, qr/asks for credentials; see -H .*\(401\)/, 'is the reason';

$r = $igjobs->run(['submit', 'a', '--json'], env => \%allowed);
is $r->{status}, 0, 'both are there: the job is accepted at once'
    or diag $r->{err};
my $id = JSON::PP::decode_json($r->{out})->{job_id};
$r = $igjobs->run(['status', $id],
                  env => { SSL_CERT_FILE => $trust{CURL_CA_BUNDLE},
                           IGJOBS_URL => "https://me:s3cret\@localhost:$port",
                           no_proxy => '*' });
is $r->{status}, 0, 'the other way of giving them' or diag $r->{err};
like $r->{out}, qr/^status +queued$/m, 'the job is stored';

$r = $igjobs->run([qw(submit -)], env => \%allowed,
                  in => join '', map { "some_account_$_\n" } 1 .. 100_000);
is $r->{status}, 2, 'more than the server takes';
like $r->{err}, qr/too large \(413 IGJ0111\)/, 'is refused as it is sent';

my $proxy = Igjobs::HttpServer->new(sub { problem(404, 'IGJ0401',
                                                          'From afar') });
$r = $igjobs->run(['status', $id], env => { http_proxy => $proxy->url,
    IGJOBS_URL => 'http://igjobs.example/at' });
like $r->{err}, qr/From afar/, 'a proxy';
is $proxy->requests->[0]{path},
    "http://igjobs.example/at/api/job-status/$id", 'is asked';
$proxy->stop;

$stack->finish;
done_testing;
