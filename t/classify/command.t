# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# "igjobs-worker classify": lines in, the same lines with three members out.

use strict;
use warnings;
use IO::Handle;
use IPC::Open2;
use Test::More;
use Igjobs::Env;

my $worker = Igjobs::Env::built('igjobs-worker');
my $dir = Igjobs::Env::run_dir();

# returns exit code, standard output, standard error
sub run {
    my ($input, @args) = @_;
    my ($in, $err) = ("$dir/in.$$", "$dir/err.$$");

    open my $file, '>:raw', $in or die "$in: $!";
    print $file $input;
    close $file or die "$in: $!";

    my $out = qx('$worker' classify @args <'$in' 2>'$err');
    my $code = $? >> 8;
    my $errors = do { local (@ARGV, $/) = $err; <> } // '';

    unlink $in, $err;
    return ($code, $out, $errors);
}

my $maria = '"gender":"female","confidence":0.99,"evidence":"name:maria"}';
my $open = '"gender":"unknown","confidence":0.50,"evidence":""}';

# input => output: nothing but our members is touched
my @cases = (
    '{"full_name":"Maria"}' => "{\"full_name\":\"Maria\",$maria",
    '{"fullName":"Maria"}' => "{\"fullName\":\"Maria\",$maria",
    '{"full_name":"","fullName":"Maria"}'
        => "{\"full_name\":\"\",\"fullName\":\"Maria\",$maria",
    '{"full_name":"Maria","fullName":"Robert"}'
        => "{\"full_name\":\"Maria\",\"fullName\":\"Robert\",$maria",
    '{"full_name":"\u004d\u0061ria"}'
        => "{\"full_name\":\"\\u004d\\u0061ria\",$maria",
    '{}' => "{$open", ' { } ' => " { $open",
    '{"full_name":null,"username":7}'
        => "{\"full_name\":null,\"username\":7,$open",
    '{"full_name":["Maria"],"x":{"full_name":"Maria"}}'
        => "{\"full_name\":[\"Maria\"],\"x\":{\"full_name\":\"Maria\"},$open",
    '{"id":123456789012345678901234567890,"n":1.10e+5,"full_name":"Maria"}'
        => '{"id":123456789012345678901234567890,"n":1.10e+5,'
           . "\"full_name\":\"Maria\",$maria",
    '{"gender":"x","full_name":"Maria"}' => "{\"full_name\":\"Maria\",$maria",
    '{"full_name":"Maria","gender":{"a":["}",1]},"evidence":"\"}","z":0}'
        => "{\"full_name\":\"Maria\",\"z\":0,$maria",
    '{"confidence":1}' => "{$open",
    '{"genders":1,"xgender":2}' => "{\"genders\":1,\"xgender\":2,$open",
    '{"full_name":"Maria \ud83c\udf38 \ud800 \u0000"}'
        => "{\"full_name\":\"Maria \\ud83c\\udf38 \\ud800 \\u0000\",$maria",
);

for (my $i = 0; $i < @cases; $i += 2) {
    my ($code, $out) = run("$cases[$i]\n");
    is($code, 0, "line $cases[$i]");
    is($out, "$cases[$i + 1]\n", 'gets its answer');
}

my ($code, $out, $errors) = run("{\"username\":\"maria_98\"}\r\n\n  \r\n{}");
is($code, 0, 'line ends of both kinds, empty lines, no line end at the end');
is($out, "{\"username\":\"maria_98\",\"gender\":\"female\","
         . "\"confidence\":0.98,\"evidence\":\"username:maria\"}\n{$open\n",
   'two answers');
is($errors, '', 'no complaints');

# faulty lines: reported, passed over, the rest goes on
my @faulty = ('nonsense', '[1]', '"text"', '7', '{"a":1', '{"a":1}x',
              "{\"a\":\"\xFF\"}", '{"a":1,"a":2}', '{"full_name":"\x"}',
              '[' x 40, "\0");

($code, $out, $errors) = run(join "\n", '{}', @faulty, '{}', '');
is($code, 1, 'faulty lines make the status 1');
is($out, "{$open\n{$open\n", 'the others are answered');
is(scalar(split /\n/, $errors), scalar @faulty, 'each is reported');
like($errors, qr/^line 2: .+/, 'the first by its number');
like($errors, qr/^line @{[ 1 + @faulty ]}: .+/m, 'the last by its own');

# the limit of a line
my $limit = 1024 * 1024;
my $pad = '{"full_name":"Maria","pad":""}';
my $longest = '{"full_name":"Maria","pad":"' . 'x' x ($limit - length $pad)
              . '"}';
($code, $out, $errors) = run("$longest\n{}\n");
is($code, 0, 'a line of 1 MiB');
is(length $out, $limit + length($maria) + 1 + length("{$open\n"), 'is kept');

($code, $out, $errors) = run("x$longest\n{}\n" . 'y' x (10 * $limit) . "\n{}");
is($code, 1, 'longer ones');
is($out, "{$open\n{$open\n", 'are passed over');
is($errors, "line 1: longer than 1048576 bytes\n"
            . "line 3: longer than 1048576 bytes\n", 'and reported');

($code, $out, $errors) = run('z' x (2 * $limit));
is("$code $out$errors", "1 line 1: longer than 1048576 bytes\n",
   'also without a line end');

my $members = join ',', map { "\"m$_\":$_" } 1 .. 100;
($code, $out, $errors) = run("{$members}\n");
is($code, 1, 'an object of more fields than are read');
like($errors, qr/^line 1: .*64/, 'is reported with the limit');

# a program can talk to it line by line
my $pid = open2(my $from, my $to, $worker, 'classify');
for my $name (qw(Maria Robert Maria)) {
    print $to "{\"full_name\":\"$name\"}\n";
    $to->flush;
    like(scalar <$from>, qr/"evidence":"name:\L$name"/, "$name at once");
}
close $to;
is(scalar <$from>, undef, 'the end after the end');
waitpid $pid, 0;
is($? >> 8, 0, 'a good end');

# writing that fails is no success
my $full = qx(echo '{}' | '$worker' classify 2>&1 >/dev/full);
is($? >> 8, 1, 'a full disk');
like($full, qr/^standard output: .+/, 'is reported');

($code, $out, $errors) = run('', '--help');
is($code, 0, '--help');
like($out, qr/^usage: igjobs-worker classify/, 'explains itself');
($code, $out, $errors) = run('', '--nonsense');
is($code, 2, 'an unknown option');
like($errors, qr/^usage: /, 'shows the usage');

done_testing();
