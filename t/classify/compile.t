# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The compiler of the name table: faults in the lists are found, with their
# place, and stop the build.

use strict;
use warnings;
use Test::More;
use Igjobs::Env;

my $tool = Igjobs::Env::built('names-tool');
my $dir = Igjobs::Env::run_dir() . "/compile.$$";

mkdir $dir or die "$dir: $!";
local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my %good = (
    given    => "name,female,male,sources\nmaria,100,1,usf itm\nrob,0,50,usm\n",
    regional => "names,sex,region\n# comment\n\nadunni femi,f,here\n",
    words    => "kind,words,lean,sources\ntitle,mrs,f,\nparticle,de la,,\n",
);

# returns the exit code and standard error
sub compile {
    my (%lists) = (%good, @_);

    for my $name (keys %lists) {
        open my $file, '>:raw', "$dir/$name.csv" or die "$name: $!";
        print $file $lists{$name};
        close $file or die "$name: $!";
    }

    my $errors = qx('$tool' '$dir'/given.csv '$dir'/regional.csv \\
                    '$dir'/words.csv '$dir'/names.bin 2>&1);
    return ($? >> 8, $errors);
}

my ($code, $errors) = compile();
is("$code $errors", '0 ', 'good lists');
cmp_ok(-s "$dir/names.bin", '>', 64, 'make a table');

my $given = "name,female,male,sources\n";
my $regional = "names,sex,region\n";
my $words = "kind,words,lean,sources\n";

# list, text, place and what is said
my @faults = (
    [given => '', qr/given.csv: empty/],
    [given => "name,f,m\n", qr/given.csv:1: the first line is not/],
    [given => "${given}maria,1,2\n", qr/given.csv:2: 3 columns instead of 4/],
    [given => "${given}maria,1,2,usf,x\n", qr/given.csv:2: 5 columns/],
    [given => "${given}a,1,2,usf\nmaria,one,2,usf\n",
     qr/given.csv:3: not a count: "one"/],
    [given => "${given}maria,-1,2,usf\n", qr/given.csv:2: not a count/],
    [given => "${given}maria,99999999999999999999,2,usf\n",
     qr/given.csv:2: not a count/],
    [given => "${given}maria,0,0,usf\n", qr/given.csv:2: nobody/],
    [given => "${given}maria,1,2,us\n", qr/given.csv:2: not a source: "us"/],
    [given => "${given}maria,1,2,xxf\n",
     qr/given.csv:2: unknown source "xx"/],
    [given => "${given}Maria,1,2,usf\n", qr/given.csv:2: not lower-case/],
    [given => "${given}m\xFF,1,2,usf\n", qr/given.csv:2: invalid UTF-8/],
    [given => "${given},1,2,usf\n", qr/given.csv:2: name of 0 bytes/],
    [given => $given . 'm' x 64 . ",1,2,usf\n",
     qr/given.csv:2: name of 64 bytes/],
    [given => "${given}maria,1,2,usf\n\nmaria,1,2,usf\n",
     qr/given.csv:4: twice: "maria"/],
    [given => "${given}maria,1,2,usf", qr/given.csv:2: .*no line end/],
    [given => "${given}ma\0ria,1,2,usf\n", qr/given.csv:2: zero byte/],
    [regional => "${regional}adunni,x,here\n",
     qr/regional.csv:2: sex is f or m, not "x"/],
    [regional => "${regional}adunni  femi,f,here\n",
     qr/regional.csv:2: name of 0 bytes/],
    [words => "${words}titel,mrs,f,\n",
     qr/words.csv:2: unknown kind "titel"/],
    [words => "${words}title,mrs,f99,\n", qr/words.csv:2: not a lean: "f99"/],
    [words => "${words}title,mrs,x,\n", qr/words.csv:2: not a lean/],
    [words => "${words}title,mrs mrs,f,\n", qr/words.csv:2: twice: "mrs"/],
    [words => "${words}title,mrs,f,\nkin,mrs,m,\n",
     qr/words.csv:3: "mrs" has another lean above/],
    [words => "${words}ending,ini,,it xx\n",
     qr/words.csv:2: unknown source "xx"/],
    [words => "${words}local,nobody,f,it\n",
     qr/words.csv:2: no such given name: "nobody"/],
);

for my $fault (@faults) {
    my ($list, $text, $said) = @$fault;

    ($code, $errors) = compile($list => $text);
    is($code, 1, "$list: " . substr($text =~ s/\n/|/gr, 0, 60));
    like($errors, $said, 'is reported with its place');
}

$errors = qx('$tool' 2>&1);
is($? >> 8, 1, 'no arguments');
like($errors, qr/^usage: /, 'show the usage');

$errors = qx('$tool' '$dir'/none.csv '$dir'/none.csv '$dir'/none.csv \\
             '$dir'/names.bin 2>&1);
is($? >> 8, 1, 'a list that is not there');
like($errors, qr/none.csv: No such file/, 'is named');

unlink glob("'$dir'/*");
rmdir $dir;

done_testing();
