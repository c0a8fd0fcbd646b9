#!/usr/bin/perl
# Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
#
# The Airtable API as curl sees it: records, schema, limits, tokens, errors,
# faults, and what people do there.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use SimTest;

my $json = JSON::PP->new->utf8->canonical;
my $sim = new_sim('--airtable-token', 'pat-right', '--airtable-rate', 0,
                  '--airtable-user-rate', 0, '--airtable-tables', 2);
my $base = 'appTest0123456789';
my $table = 'Daily_Outreach_Table_01';
my @auth = ('-H', 'Authorization: Bearer pat-right');

sub escape {
    my ($text) = @_;

    return $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
}

# curl with these arguments: (status, decoded body or text, exit code)
sub curl {
    my ($on, $method, $path, $data, @more) = @_;
    my @words = ('curl', '-s', '-g', '-X', $method, '-w', "\n%{http_code}",
                 @auth, @more);

    push @words, '-H', 'Content-Type: application/json', '--data-binary',
        ref $data ? $json->encode($data) : $data if defined $data;
    open my $out, '-|', @words, $on->base_url . $path or die "curl: $!";
    my $text = do { local $/; <$out> };
    close $out;
    my $exit = $? >> 8;
    my ($body, $status) = $text =~ /^(.*)\n(\d+)$/s;
    return ($status, eval { $json->decode($body) } // $body, $exit);
}

sub air { return curl($sim, @_) }

# the body of a call that must succeed
sub done {
    my ($method, $path, $data) = @_;
    my ($status, $body) = air($method, $path, $data);

    is $status, 200, "$method $path" or diag explain $body;
    return $body;
}

# refused($status, $type, $what, @call)
sub refused {
    my ($status, $type, $what, @call) = @_;
    my ($code, $body) = air(@call);
    my $error = ref $body ? $body->{error} // $body->{errors}[0] : {};

    is $code, $status, "$what: $status" or diag explain $body;
    is ref $error ? $error->{type} // $error->{error} : $error, $type,
        "$what: $type";
    return ref $error ? $error->{message} // '' : '';
}

sub person {
    my ($n, %more) = @_;

    return { id => "1000$n", username => "user_$n", full_name => "N $n",
             position => $n, campaign_date => '2026-11-22',
             progress_status => 'pending', %more };
}

sub records { return { records => [map { { fields => $_ } } @_] } }

sub upsert {
    my (@people) = @_;

    return { performUpsert => { fieldsToMergeOn => ['id'] },
             typecast => JSON::PP::true, %{ records(@people) } };
}

my $path = "/v0/$base/$table";

# create and read
my $made = done('POST', $path, records(map { person($_) } 1 .. 10));
is scalar @{ $made->{records} }, 10, 'ten records';
my @ids = map { $_->{id} } @{ $made->{records} };
like $ids[0], qr/^rec[0-9A-Za-z]{14}$/, 'an id';
like $made->{records}[0]{createdTime}, qr/^\d{4}-\d\d-\d\dT.*Z$/, 'its time';
is_deeply $made->{records}[3]{fields}, person(4), 'in their order';
my $one = done('POST', $path, { fields => { id => 'x', full_name => '',
                                            platform => undef } });
is_deeply $one->{fields}, { id => 'x' }, 'empty fields are omitted';
is_deeply done('GET', "$path/$one->{id}"), $one, 'one record';
is_deeply done('DELETE', "$path/$one->{id}"),
    { id => $one->{id}, deleted => JSON::PP::true }, 'and away';
refused(404, 'NOT_FOUND', 'a record that is gone', 'GET', "$path/$one->{id}");

# update
my $changed = done('PATCH', $path, { records => [
    { id => $ids[1], fields => { progress_status => 'followed' } },
    { id => $ids[0], fields => { position => 77 } }] });
is_deeply [map { $_->{id} } @{ $changed->{records} }], [@ids[1, 0]],
    'answers in the order of the request';
is_deeply $changed->{records}[0]{fields},
    person(2, progress_status => 'followed'), 'PATCH keeps the others';
is_deeply done('PUT', "$path/$ids[0]", { fields => { id => '10001' } })
    ->{fields}, { id => '10001' }, 'PUT does not';
done('PATCH', "$path/$ids[0]", { fields => person(1) });

# upsert
my $merged = done('PATCH', $path, upsert(person(3, full_name => 'New'),
                                         person(11), person(12)));
is_deeply $merged->{updatedRecords}, [$ids[2]], 'one was there';
is scalar @{ $merged->{createdRecords} }, 2, 'two were not';
is $merged->{records}[0]{fields}{full_name}, 'New', 'changed';
my $again = done('PATCH', $path, upsert(map { person($_) } 3, 11, 12));
is_deeply $again->{createdRecords}, [], 'the same again makes nothing';
is scalar @{ $again->{updatedRecords} }, 3, 'but changes';
done('POST', $path, records(person(12)));
like refused(422, 'INVALID_REQUEST_UNKNOWN', 'several match', 'PATCH', $path,
             upsert(person(1, full_name => 'Z'), person(12))), qr/2 records/,
    'and says so';
is done('GET', "$path/$ids[0]")->{fields}{full_name}, 'N 1',
    'none of them was changed';
refused(422, 'INVALID_REQUEST_UNKNOWN', 'a record twice', 'PATCH', $path,
        upsert(person(20), person(20)));
refused(422, 'INVALID_REQUEST_UNKNOWN', 'nothing to merge on', 'PATCH', $path,
        upsert({ username => 'a' }));
refused(422, 'UNKNOWN_FIELD_NAME', 'merging on what is not there', 'PATCH',
        $path, { %{ upsert(person(1)) },
                 performUpsert => { fieldsToMergeOn => ['nothing'] } });

# what fields refuse, and that nothing of the ten is written
for my $case (
    ['UNKNOWN_FIELD_NAME', { nothing => 1 }, qr/"nothing"/],
    ['INVALID_VALUE_FOR_COLUMN', { position => 'x' }, qr/"position"/],
    ['INVALID_VALUE_FOR_COLUMN', { username => 7 }, qr/"username"/],
    ['INVALID_VALUE_FOR_COLUMN', { full_name => 'x' x 100_001 }, qr/cannot/],
    ['INVALID_VALUE_FOR_COLUMN', { campaign_date => 'soon' }, qr/_date"/],
    ['INVALID_VALUE_FOR_COLUMN', { campaign_date => '2026-02-30' }, qr/_date/],
    ['INVALID_MULTIPLE_CHOICE_OPTIONS', { progress_status => 'unfollow' },
     qr/create new select option "unfollow"/],
) {
    my ($type, $fields, $message) = @$case;
    my ($name) = keys %$fields;
    like refused(422, $type, $name, 'POST', $path,
                 records((map { person(90 + $_) } 1 .. 9), $fields)),
        $message, 'and says why';
}
is $sim->airtable_ledger->{records}, 13, 'all or nothing';
my $cast = done('POST', $path, { %{ records(
    { id => 5, position => '12', progress_status => 'unfollow',
      campaign_date => '2026-11-22T10:00:00.000Z' },
    { id => 'y', position => 'x' }) }, typecast => JSON::PP::true });
is_deeply $cast->{records}[0]{fields},
    { id => '5', position => 12, progress_status => 'unfollow',
      campaign_date => '2026-11-22' }, 'typecast converts';
is_deeply $cast->{records}[1]{fields}, { id => 'y' }, 'or empties';
done('PATCH', "$path/$ids[5]", { fields => { progress_status => 'unfollow' } });

# requests that are not made as they must
for my $case (
    [422, 'INVALID_RECORDS', records(map { person($_) } 1 .. 11)],
    [422, 'INVALID_RECORDS', { records => [] }],
    [422, 'INVALID_REQUEST_UNKNOWN', { records => [7] }],
    [422, 'INVALID_REQUEST_UNKNOWN', { %{ records({}) }, more => 1 }],
    [422, 'INVALID_REQUEST_UNKNOWN', { %{ records({}) }, typecast => 'yes' }],
    [422, 'INVALID_REQUEST_UNKNOWN', upsert(person(1))],
    [422, 'INVALID_REQUEST_MISSING_FIELDS', {}],
    [400, 'INVALID_REQUEST_BODY', '{"records":['],
    [400, 'INVALID_REQUEST_BODY', '{"records":[]} x'],
    [400, 'INVALID_REQUEST_BODY', '[]'],
) {
    my ($status, $type, $body) = @$case;
    refused($status, $type, ref $body ? $json->encode($body) : $body, 'POST',
            $path, $body);
}
refused(422, 'ROW_DOES_NOT_EXIST', 'an update of nothing', 'PATCH', $path,
        { records => [{ id => $one->{id}, fields => {} }] });
is((air('POST', $path, undef, '-H', 'Content-Type: text/plain', '-d', '{}'))[0],
   422, 'another content type');
refused(413, 'REQUEST_TOO_LARGE', 'a long address', 'GET',
        "$path?filterByFormula=" . 'x' x 16_000);

# list
sub listed {
    my (%query) = @_;

    return done('GET', $path . '?' . join '&', map {
        my $name = $_;
        map { escape($name) . '=' . escape($_) }
            ref $query{$name} ? @{ $query{$name} } : $query{$name}
    } sort keys %query);
}
my $all = listed();
is scalar @{ $all->{records} }, 15, 'one page for all';
ok !exists $all->{offset}, 'which is the last';
my (@paged, $offset);
do {
    my $page = listed(pageSize => 4, 'fields[]' => ['id', 'username'],
                      defined $offset ? (offset => $offset) : ());
    push @paged, @{ $page->{records} };
    $offset = $page->{offset};
} while defined $offset;
is_deeply [map { $_->{id} } @paged], [map { $_->{id} } @{ $all->{records} }],
    'all pages have the same records in the same order';
is_deeply $paged[0]{fields}, { id => '10001', username => 'user_1' },
    'with the fields that were asked for';
my $first = listed(pageSize => 7);
like $first->{offset}, qr{^itr\w{14}/rec\w{14}$}, 'an offset';
done('DELETE', "$path/" . $first->{records}[6]{id});
my $rest = listed(pageSize => 7, offset => $first->{offset});
is $rest->{records}[0]{id}, $all->{records}[7]{id},
    'goes on behind a record that is gone';
my $most = listed(maxRecords => 5, pageSize => 3);
is scalar @{ listed(maxRecords => 5, pageSize => 3,
                    offset => $most->{offset})->{records} }, 2, 'maxRecords';
is_deeply done('POST', "$path/listRecords", { pageSize => 1,
               fields => ['id'] })->{records}[0]{fields}, { id => '10001' },
    'a list by POST';
my ($status, $by_id) = air('GET', "$path?returnFieldsByFieldId=true");
like((keys %{ $by_id->{records}[0]{fields} })[0], qr/^fld/, 'fields by id');

# filterByFormula
sub filtered {
    my ($formula) = @_;

    return join ' ', map { $_->{fields}{id} // '-' }
        @{ listed(filterByFormula => $formula)->{records} };
}
done('POST', $path, records({ id => q(it's \\ "odd"), username => 'odd' }));
is filtered(q({id}='10002')), '10002', 'a field';
is filtered(q({username} = "user_2")), '10002', 'another, in other quotes';
is filtered(q({id}='nobody')), '', 'nobody';
is filtered(q(OR({id}='100010', {id}='10002',{username}='user_1'))),
    '10001 10002 100010', 'some of them';
is filtered(q({id}='it\\'s \\\\ "odd"')), q(it's \\ "odd"), 'escapes';
is filtered(q({progress_status}='followed')), '10002', 'a choice';
is filtered(q({progress_status}='')), q(y it's \\ "odd"), 'the empty ones';
for my $wrong ('{id}', "{id}='", "id='1'", "OR({id}='1'", 'LEN({id})',
               "{nothing}='1'", "{id}='1' x") {
    refused(422, 'INVALID_FILTER_BY_FORMULA', $wrong, 'GET',
            "$path?filterByFormula=" . escape($wrong));
}
$offset = listed(pageSize => 1, filterByFormula => q(OR({id}='10001',
    {id}='10002')))->{offset};
refused(422, 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE', 'the offset of another',
        'GET', "$path?offset=" . escape($offset));
for my $wrong ('pageSize=101', 'pageSize=0', 'pageSize=x', 'nonsense=1',
               'cellFormat=string') {
    refused(422, 'INVALID_REQUEST_UNKNOWN', $wrong, 'GET', "$path?$wrong");
}
refused(422, 'UNKNOWN_FIELD_NAME', 'a field', 'GET', "$path?fields[]=nothing");
refused(422, 'VIEW_NAME_NOT_FOUND', 'a view', 'GET', "$path?view=other");

# iterators end by age and by order
$offset = escape(listed(pageSize => 1)->{offset});
$sim->call('POST', '/_sim/advance?ms=299000');
is((air('GET', "$path?pageSize=1&offset=$offset"))[0], 200, 'not yet too old');
$sim->call('POST', '/_sim/advance?ms=2000');
refused(422, 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE', 'too old', 'GET',
        "$path?offset=$offset");
$offset = escape(listed(pageSize => 1)->{offset});
$sim->airtable('expire');
refused(422, 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE', 'expired', 'GET',
        "$path?offset=$offset");

# delete
refused(422, 'ROW_DOES_NOT_EXIST', 'one that is gone', 'DELETE',
        "$path?records[]=$ids[0]&records[]=$one->{id}");
refused(422, 'INVALID_RECORDS', 'eleven', 'DELETE', "$path?"
        . join '&', map { "records[]=$_" } @ids[0 .. 5, 7 .. 9], 'a', 'b');
is_deeply done('DELETE', "$path?records[]=$ids[0]&records%5B%5D=$ids[1]"),
    { records => [map { { id => $_, deleted => JSON::PP::true } }
                  @ids[0, 1]] }, 'two are deleted';
is filtered(q(OR({id}='10001',{id}='10002',{id}='10003'))), '10003',
    'and are not found';

# schema
my $schema = done('GET', "/v0/meta/bases/$base/tables")->{tables};
is_deeply [map { $_->{name} } @$schema],
    [map { "Daily_Outreach_Table_0$_" } 1, 2], 'tables';
my $fields = $schema->[1]{fields};
is_deeply [map { "$_->{name}:$_->{type}" } @$fields],
    [qw(id:singleLineText username:singleLineText full_name:singleLineText
        platform:singleSelect position:number campaign_date:date
        progress_status:singleSelect)], 'fields';
is $schema->[1]{primaryFieldId}, $fields->[0]{id}, 'the first is primary';
is_deeply $fields->[4]{options}, { precision => 0 }, 'options';
is_deeply [map { $_->{name} } @{ $fields->[6]{options}{choices} }],
    [qw(pending followed unfollowed completed)], 'choices';
is_deeply [map { $_->{name} } @{ $schema->[0]{fields}[6]{options}{choices} }],
    [qw(pending followed unfollowed completed unfollow)],
    'and the one that typecast made';
is done('GET', "/v0/$base/$schema->[0]{id}?maxRecords=1")->{records}[0]{id},
    $ids[2], 'a table by its id';
my $new = { name => 'Daily_Outreach_Table_03', description => 'third',
    fields => [{ name => 'id', type => 'singleLineText' },
        { name => 'position', type => 'number',
          options => { precision => 0 } },
        { name => 'progress_status', type => 'singleSelect',
          options => { choices => [{ name => 'pending' }] } }] };
my $tables = "/v0/meta/bases/$base/tables";
my $third = done('POST', $tables, $new);
like $third->{id}, qr/^tbl/, 'a new table';
is $third->{description}, 'third', 'its description';
is_deeply $third, done('GET', $tables)->{tables}[2], 'as the schema has it';
refused(422, 'DUPLICATE_TABLE_NAME', 'the same again', 'POST', $tables, $new);
my $field = done('POST', "$tables/$third->{id}/fields",
    { name => 'platform', type => 'singleSelect',
      options => { choices => [{ name => 'x' }] } });
like $field->{id}, qr/^fld/, 'a new field';
like $field->{options}{choices}[0]{id}, qr/^sel/, 'with a choice';
is done('POST', '/v0/' . "$base/$third->{id}", { fields => {
        id => '1', $field->{id} => 'x' } })->{fields}{platform}, 'x',
    'a field by its id';
refused(422, 'INVALID_REQUEST_UNKNOWN', 'choices cannot be changed', 'PATCH',
        "$tables/$third->{id}/fields/$field->{id}",
        { options => { choices => [{ name => 'y' }] } });
is done('PATCH', "$tables/$third->{id}/fields/$field->{id}",
        { name => 'network' })->{name}, 'network', 'a name can';
is done('PATCH', "$tables/$third->{id}", { name => 'Other' })->{name}, 'Other',
    'a table renamed';
for my $case (
    ['DUPLICATE_OR_EMPTY_FIELD_NAME', { name => 'id', type => 'number' }],
    ['DUPLICATE_OR_EMPTY_FIELD_NAME', { name => '', type => 'number' }],
    ['INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE', { name => 'n',
                                                type => 'number' }],
    ['INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE', { name => 's',
                                                type => 'singleSelect' }],
    ['UNSUPPORTED_FIELD_TYPE_FOR_CREATE', { name => 'f', type => 'formula' }],
    ['INVALID_REQUEST_UNKNOWN', { name => 'f' }],
) {
    my ($type, $body) = @$case;
    refused(422, $type, $json->encode($body), 'POST',
            "$tables/$third->{id}/fields", $body);
}
refused(422, 'INVALID_PRIMARY_FIELD_TYPE', 'a select first', 'POST', $tables,
        { name => 'T', fields => [{ name => 's', type => 'singleSelect',
                                    options => { choices => [] } }] });
is scalar @{ done('GET', $tables)->{tables} }, 3, 'none of these was made';
is_deeply [map { $_->{id} } @{ done('GET', '/v0/meta/bases')->{bases} }],
    [$base], 'bases';
is scalar @{ done('GET', '/v0/meta/whoami')->{scopes} }, 4, 'whoami';

# what people do
$sim->airtable('set', { base => $base, table => $table, count => 2,
                        where => { progress_status => 'pending' },
                        set => { progress_status => 'completed' } });
is filtered(q({progress_status}='completed')), '10003 10004', 'two are done';
is $sim->airtable('set', { base => $base, ids => ['10005', '10008'],
                           set => { progress_status => 'by hand' } })
    ->{changed}, 2, 'named ones';
is filtered(q({progress_status}='by hand')), '10005 10008', 'have a new choice';
my $hand = $sim->airtable('add', { base => $base, table => $table,
                                   fields => { id => '10005' } });
is filtered(q({id}='10005')), '10005 10005', 'a record by hand';
my $ledger = $sim->airtable_ledger->{bases}{$base};
is $ledger->{tables}{$table}{duplicates}, 2, 'counted as a repetition';
$sim->airtable('delete', { base => $base, ids => ['10005', '100012'],
                           count => 1 });
is filtered(q({id}='10005')), '10005', 'and deleted by hand';
$sim->airtable('delete', { base => $base, ids => ['100012'] });
$sim->airtable('add', { base => $base, table => 'Daily_Outreach_Table_02',
                        fields => { id => '10003' } });
$ledger = $sim->airtable_ledger;
is $ledger->{bases}{$base}{tables}{$table}{duplicates}, 0, 'none in the table';
is $ledger->{duplicates}, 1, 'one in the base';
is $ledger->{records}, scalar(() = $sim->airtable_records($base)), 'records';
is_deeply [map { [$_->{table}, $_->{record}{fields}] }
           $sim->airtable_records($base, 'Daily_Outreach_Table_02')],
    [['Daily_Outreach_Table_02', { id => '10003' }]], 'a look at a table';
$sim->airtable('rename', { base => $base, table => $table, name => 'Mine' });
refused(403, 'INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND', 'a table renamed',
        'GET', $path);
$sim->airtable('rename', { base => $base, table => 'Mine', name => $table });
$sim->airtable('drop', { base => $base, table => $table, field => 'position' });
refused(422, 'UNKNOWN_FIELD_NAME', 'a field dropped', 'POST', $path,
        records(person(50)));
$sim->airtable('drop', { base => $base, table => 'Other' });
is $sim->airtable('tables', { base => $base, count => 4 })->{added}, 2,
    'tables made';

# who may not
my @right = @auth;
for my $case (['AUTHENTICATION_REQUIRED'],
              ['AUTHENTICATION_REQUIRED', '-H', 'Authorization: Basic eDp5'],
              ['UNAUTHORIZED', '-H', 'Authorization: Bearer wrong']) {
    (my $type, @auth) = @$case;
    refused(401, $type, "token @auth", 'GET', $path);
}
@auth = @right;
refused(404, 'NOT_FOUND', 'no such path', 'GET', '/v0/nothing');
refused(404, 'NOT_FOUND', 'no id of a base', 'GET', '/v0/app-x/t');

# faults
sub rules {
    $sim->call('DELETE', '/_sim/faults');
    $sim->faults([@_]);
    return;
}
my $second = "/v0/$base/Daily_Outreach_Table_02";
rules({ match => { provider => 'airtable', op => 'upsert', nth => 1 },
        action => { drop_after => JSON::PP::true } });
is((air('PATCH', $second, upsert(person(60), person(61))))[2], 52,
   'a lost answer');
is scalar @{ done('PATCH', $second, upsert(person(60), person(61)))
             ->{updatedRecords} }, 2, 'of an upsert that happened';
rules({ match => { record => '*_66' }, action => { status => {
    code => 422, type => 'INVALID_VALUE_FOR_COLUMN' } } });
refused(422, 'INVALID_VALUE_FOR_COLUMN', 'one of ten', 'PATCH', $second,
        upsert(map { person($_) } 62 .. 71));
is scalar @{ done('PATCH', $second, upsert(map { person($_) } 67 .. 71))
             ->{createdRecords} }, 5, 'not its neighbours';
rules({ match => { op => 'list', offset_from => 1, nth => 1 },
        action => { status => { code => 422,
            type => 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE' } } });
$offset = done('GET', "$second?pageSize=2")->{offset};
refused(422, 'LIST_RECORDS_ITERATOR_NOT_AVAILABLE', 'in the middle', 'GET',
        "$second?pageSize=2&offset=$offset");
for my $case (
    [{ code => 429, type => 'PUBLIC_API_BILLING_LIMIT_EXCEEDED' }, 429,
     { errors => [{ error => 'PUBLIC_API_BILLING_LIMIT_EXCEEDED' }] }],
    [{ code => 429 }, 429, { errors => [{ error => 'RATE_LIMIT_REACHED' }] }],
    [{ code => 429, type => 'TOO_MANY_REQUESTS', message => '' }, 429,
     { error => { type => 'TOO_MANY_REQUESTS' } }],
    [{ code => 404 }, 404, { error => 'NOT_FOUND' }],
    [{ code => 404, type => 'TABLE_NOT_FOUND', message => '' }, 404,
     { error => { type => 'TABLE_NOT_FOUND' } }],
    [{ code => 500, message => '' }, 500, { error => { type =>
                                                       'SERVER_ERROR' } }],
    [{ code => 502, body => '<html>' }, 502, '<html>'],
) {
    my ($action, $status, $expected) = @$case;
    rules({ match => { path => "/v0/$base/*" },
            action => { status => $action } });
    my ($code, $body) = air('GET', $path);
    delete $body->{errors}[0]{message} if ref $body && $body->{errors};
    is $code, $status, "fault $status";
    is_deeply $body, $expected, 'in its shape';
}
$sim->call('DELETE', '/_sim/faults');

# the journal
my ($entry) = grep { $_->{op} eq 'upsert' } @{ $sim->journal };
is $entry->{provider}, 'airtable', 'the journal has it';
is $entry->{items}, 3, 'with the number of records';
unlike $json->encode($sim->journal), qr/pat-right/, 'and no token';
cmp_ok $sim->ledger->{requests_by_op}{'airtable.list'}, '>', 10, 'counted';

# limits, on the simulator's own clock
my $slow = new_sim('--speed', '0.000001', '--airtable-closed',
                   '--airtable-base', 'appA1', '--airtable-base', 'appB2',
                   '--airtable-scopes', 'data.records:read schema.bases:read',
                   '--airtable-user-rate', 9);

sub codes {
    my ($id, $count) = @_;

    return join ' ', map {
        (curl($slow, 'GET', "/v0/meta/bases/$id/tables"))[0]
    } 1 .. $count;
}
is codes('appA1', 6), '200 200 200 200 200 429', 'five a second';
is codes('appB2', 1), '200', 'another base has its own';
my ($code, $body) = curl($slow, 'GET', '/v0/meta/bases/appA1/tables');
is_deeply $body, { errors => [{ error => 'RATE_LIMIT_REACHED',
    message => 'Rate limit exceeded. Please try again later' }] }, 'the error';
$slow->call('POST', '/_sim/advance?ms=29900');
is codes('appA1', 1), '429', 'refused for 30 s';
$slow->call('POST', '/_sim/advance?ms=1100');
is codes('appA1', 5), '200 200 200 200 200', 'and then not';
$ledger = $slow->airtable_ledger;
is_deeply [@{ $ledger->{bases}{appA1} }{qw(requests refused penalties
                                           highest_per_second)}],
    [13, 3, 1, 7], 'as the ledger has it';
is codes('appB2', 5), '200 200 200 200 429', 'nine of all bases';
$slow->call('POST', '/_sim/advance?ms=40000');

# bases and scopes that are not there
is_deeply [(curl($slow, 'GET', '/v0/appC3/T'))[0],
           (curl($slow, 'GET', '/v0/meta/bases/appC3/tables'))[0],
           (curl($slow, 'POST', '/v0/appA1/T', '{}'))[0],
           (curl($slow, 'POST', '/v0/meta/bases/appA1/tables', '{}'))[0]],
    [403, 403, 403, 403], '--airtable-closed, --airtable-scopes';

# reset
reset_sim($sim);
is $sim->airtable_ledger->{records}, 0, 'reset';
is_deeply done('GET', "/v0/$base/$table"), { records => [] }, 'bases are new';

finish();
done_testing;
