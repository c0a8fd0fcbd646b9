-- Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
-- What operators set for tenants beside caps (005_slots).

create function igjobs.set_weight(p_tenant text, p_weight real)
    returns void
    language plpgsql volatile
as $$
begin
    insert into igjobs.tenants (tenant, weight) values (p_tenant, p_weight)
    on conflict (tenant) do update set weight = excluded.weight;
end
$$;
comment on function igjobs.set_weight(text, real) is
    'For operators: a tenant of weight 3 gets three batches where one of '
    'weight 1, which is everybody''s, gets one. Workers know it after a sweep.';
