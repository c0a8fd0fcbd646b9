#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# Reading results by ordinal: order, pages that take parts of chunks, work that
# does not grow with the depth of a page; partitions.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use Igjobs::Engine;

my $e = Igjobs::Engine->new;

sub chunks {
    my ($job, $first, $count) = @_;
    return $e->all(result_rows => 'default', $job, $first, $count, ';');
}

sub page {
    return map { split /;/, $_->{profile_ids} } chunks(@_);
}

# chunks of several kinds: with all rows of a page, with some, one, none

my $job = $e->submit(50, max_count => 100);
my $c = $e->claim($job);
my $run = $e->start_run($c);
my ($from, @wanted) = (0);

sub store {
    my (@ids) = @_;
    my %known = map { $_ => 1 } @wanted;
    $e->store($c, $run, from => $from, ids => \@ids, items => scalar @ids);
    $from += @ids;
    push @wanted, sort grep { !$known{$_} } @ids;
    return;
}

store(map { sprintf 'a%03d', $_ } reverse 1 .. 40);
store(map { sprintf 'a%03d', $_ } 31 .. 70);
store('a005');
store(map { sprintf 'b%03d', $_ } 1 .. 30);
store('a001', 'b100', 'c1');
store('d1');

my @all = page($job, 0, 2000);
is_deeply \@all, \@wanted, 'all rows in the order of their chunks';
is_deeply $e->call(job_page => 'default', $job),
    { status => 'processing', state => 'running', version => 8,
      total => scalar @wanted }, 'the total is a column';
is $e->call(job_page => 'other', $job), undef, 'not for another tenant';
is_deeply [page($job, 0, 0)], [], 'an empty page';
is_deeply [page($job, scalar @wanted, 10)], [], 'a page past the end';
is_deeply [$e->all(result_rows => 'other', $job, 0, 10, ';')], [],
    'no rows for another tenant';

for my $size (1, 7, 33) {
    my @pages = map { page($job, $_ * $size, $size) } 0 .. @wanted / $size;
    is_deeply \@pages, \@wanted, "pages of $size are the same rows";
}
my $two = join ' ', map {
    join '/', @$_{qw(n profile_ids usernames full_names)}
} chunks($job, 39, 3);
is $two, '1/a040/user_a040/Name a040'
    . ' 2/a041;a042/user_a041;user_a042/Name a041;Name a042',
    'the rows of a chunk together';
is((chunks($job, 0, 1))[0]{created_at}, $e->sql(
    "select to_json(min(created_at)) #>> '{}' from public.scrape_results"
    . " where job_id = '$job'"),
    'with the time of their chunk');

store('e1');
is_deeply [(page($job, 0, 2000))[0 .. $#all]], \@all,
    'further rows move no earlier ones';

# 500,000 rows: the last page reads what the first one reads

my $large = Igjobs::Engine::job_id();
$e->sql(<<"SQL");
insert into igjobs.chunk_rows (job_id, chunk_no, tenant, platform,
    profile_ids, usernames, full_names, genders, confidences, evidences,
    source_accounts)
select '$large', n / 500, 'default', 'instagram',
    array_agg(lpad(n::text, 9, '0') order by n),
    array_agg('user_' || n order by n),
    array_agg('Full name ' || n order by n),
    array_agg('female'::text), array_agg(null::real), array_agg(null::text),
    array_agg(null::text)
from generate_series(0, 499999) n
group by n / 500;
insert into igjobs.chunks (job_id, first_row, chunk_no, n, tenant, platform)
select '$large', n * 500, n, 500, 'default', 'instagram'
from generate_series(0, 999) n;
vacuum analyze igjobs.chunk_rows, igjobs.chunks
SQL

sub buffers {
    my ($id, $number) = @_;
    my $first = ($number - 1) * 1000;
    my $text;

    # the first call reads the catalogue and makes the plans
    for (1, 2) {
        $text = $e->sql('explain (analyze, buffers, timing off, costs off)'
            . ' select * from igjobs.result_rows('
            . "'default', '$id', $first, 1000, ';')");
    }
    my ($all) = $text =~ /(Buffers: .*)/;    # of the whole plan
    my $sum = 0;
    $sum += $1 while $all =~ /(?:hit|read)=(\d+)/g;
    is scalar(my @rows = page($id, $first, 1000)), 1000,
        "page $number has 1,000 rows";
    unlike $text, qr/Sort \(actual rows=\d\d/, 'of few chunks';
    return $sum;
}

my %buffers = map { $_ => buffers($large, $_) } 1, 250, 500;
note join ', ', map { "page $_: $buffers{$_} buffers" } sort keys %buffers;
cmp_ok $buffers{500}, '<=', 1.3 * $buffers{1}, 'page 500 reads what page 1 reads';
cmp_ok $buffers{1}, '<', 100, 'which is little';
is_deeply [map { (page($large, $_, 1))[0] } 0, 499, 500, 1999, 499_999],
    [qw(000000000 000000499 000000500 000001999 000499999)],
    'a row of a given ordinal';
is((page($large, 499_000, 1))[0], '000499000', 'and is the right page');
is scalar(my @long = page($large, 0, 5000)), 2000, 'at most 2,000 rows a call';

# all columns, and filters: the same rows, the same work

sub texts { return join ' ', map { join '/', map { $_ // '-' } @$_{@{ $_[1] }} }
                   @{ $_[0] } }

$e->sql(<<"SQL");
update igjobs.chunk_rows r
set confidences[p.n] = 0.25, evidences[p.n] = 'bio', genders[p.n] = 'male'
from (select chunk_no, idx + 1 as n from public.scrape_results
      where job_id = '$job' and profile_id = 'a040') p
where r.job_id = '$job' and r.chunk_no = p.chunk_no
SQL
my @columns = qw(n profile_ids genders confidences source_accounts evidences);
is texts([$e->all(whole_rows => 'default', $job, 39, 2, ';', 'true')],
    \@columns), '1/a040/male/0.25/account_1/bio'
    . ' 1/a041/female/0.9/account_1/name', 'whole rows';
is texts([$e->all(whole_rows => 'default', $job, 39, 1, ';', 'false')],
    \@columns), '1/a040/male/0.25/account_1/-', 'evidence if asked for';
is_deeply [map { split /;/, $_->{profile_ids} }
           $e->all(whole_rows => 'default', $job, 0, 2000, ';', 'false')],
    [page($job, 0, 2000)], 'in their order';

my @filtered = $e->all(filtered_rows => 'default', $job, 38, 4, ';',
                       'female', undef, undef);
is texts(\@filtered, [qw(n profile_ids ordinals)]),
    '1/a039/38 2/a041;a042/40;41', 'with their ordinals';
is texts([$e->all(filtered_rows => 'default', $large, 0, 10, ';', 'male',
                  undef, undef)], ['n']), '0', 'none pass';

sub filter_buffers {
    my ($first) = @_;
    my $text;

    for (1, 2) {
        $text = $e->sql('explain (analyze, buffers, timing off, costs off)'
            . " select * from igjobs.filtered_rows('default', '$large',"
            . " $first, 2000, ';', 'male', null, null)");
    }
    unlike $text, qr/Sort \(actual rows=\d\d/, 'chunks are sorted, no rows';
    my ($all) = $text =~ /(Buffers: .*)/;
    my $sum = 0;
    $sum += $1 while $all =~ /(?:hit|read)=(\d+)/g;
    return $sum;
}

my ($early, $late) = map { filter_buffers($_) } 0, 498_000;
note "filtered rows: $early, $late buffers";
cmp_ok $early, '<', 150, 'a filter that nothing passes reads its range';
cmp_ok $late, '<=', 1.3 * $early, 'at any depth';

# partitions by month, a default for what has none

my $month = $e->sql("select to_char(now() at time zone 'UTC', 'YYYYMM')");
sub parts {
    my ($job) = @_;
    return join ' ', sort split /\n/, $e->sql(join ' union ', map { 'select tableoid::regclass::text from'
        . " igjobs.$_ where job_id = '$job'" } qw(chunk_rows job_profiles));
}

is parts($job), "igjobs.chunk_rows_$month igjobs.job_profiles_$month",
    'rows lie in the month of their job\'s id';
my $old = '018f0000-0000-7000-8000-00000000000a';
$e->submit(50, job => $old);
$e->store_all($e->claim($old), ids => [1, 2]);
is parts($old), 'igjobs.chunk_rows_other igjobs.job_profiles_other',
    'or in the default partition';
is_deeply [page($old, 0, 10)], [1, 2], 'and are read like others';

is $e->value(ensure_partitions => 3), 0, 'this month and three more are there';
is $e->value(ensure_partitions => 5), 2, 'two more';
is $e->sql("select count(*) from pg_indexes where tablename ~"
    . " '^(chunk_rows|job_profiles)_2'"), 12, 'each with its index';
is $e->sql("select string_agg(distinct attcompression::text, '') from"
    . " pg_attribute where attrelid = 'igjobs.chunk_rows_$month'::regclass"
    . " and attstorage = 'x' and attname like '%s'"), 'l', 'and compressed';
is $e->sql("select igjobs.month_start_id('2024-05-01')"),
    '018f3173-7000-0000-0000-000000000000', 'a month begins at its first'
    . ' millisecond';
is $e->sql("select igjobs.add_partition('2024-04-01')"), 'f',
    'a month with rows in the default partition stays there';
is_deeply [page($old, 0, 10)], [1, 2], 'unharmed';

done_testing;
