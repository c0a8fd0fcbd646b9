-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- Whose an Airtable base is. The token of the workers opens the bases of all
-- tenants, so Airtable does not keep one from another's. Here the first tenant
-- for whom a base is asked owns it, and no request of another one goes out: its
-- units are given up. Each turn of a base asks (037_airtable_pace), calls that
-- name a base only look before.

create table igjobs.airtable_owners (
    since  timestamptz not null default now(),
    base   text not null,
    tenant text not null,
    constraint airtable_owners_pkey primary key (base)
);
comment on table igjobs.airtable_owners is
    'Airtable bases that were asked, each of one tenant';
comment on constraint airtable_owners_pkey on igjobs.airtable_owners is
    'igjobs.airtable_owner: one base';

insert into igjobs.settings (name, value, note) values
    ('airtable_bases_shared', 'off',
     'on: tenants may work in the same Airtable base');


create function igjobs.airtable_owner(p_base text)
    returns text
    language plpgsql stable
as $$
begin
    return (select t.tenant from igjobs.airtable_owners t
            where t.base = p_base);
end
$$;
comment on function igjobs.airtable_owner(text) is
    'The tenant whose this Airtable base is; null: nobody has used it.';


create function igjobs.own_airtable(p_tenant text, p_base text)
    returns boolean
    language plpgsql volatile
as $$
begin
    if igjobs.setting('airtable_bases_shared') = 'on'
        or igjobs.airtable_owner(p_base) = p_tenant
    then
        return true;
    end if;
    -- of two at the same time one gets it
    insert into igjobs.airtable_owners (base, tenant)
    values (p_base, p_tenant)
    on conflict (base) do nothing;
    return igjobs.airtable_owner(p_base) = p_tenant;
end
$$;
comment on function igjobs.own_airtable(text, text) is
    'May the tenant use this Airtable base? A base that is nobody''s becomes '
    'its own.';


create function igjobs.base_taken(p_tenant text, p_base text)
    returns igjobs.api_answer
    language plpgsql stable
as $$
begin
    if igjobs.airtable_owner(p_base) <> p_tenant
        and igjobs.setting('airtable_bases_shared') <> 'on'
    then
        return igjobs.api_problem(403, 'airtable-base-taken', null);
    end if;
    return null;
end
$$;
comment on function igjobs.base_taken(text, text) is
    'The answer to a call that names an Airtable base of another tenant; null '
    'when it may go on.';


create function igjobs.give_airtable_base(p_base text, p_tenant text)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.airtable_owners (base, tenant)
    values (p_base, p_tenant)
    on conflict (base) do update set tenant = excluded.tenant, since = now();
end
$$;
comment on function igjobs.give_airtable_base(text, text) is
    'For operators: the base is this tenant''s from now on.';


revoke all on all functions in schema igjobs from public;
revoke all on igjobs.airtable_owners from public;
