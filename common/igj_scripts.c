/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Texts of the scripts of igj_scripts.h.
 *
 * Fields of the hash `clocks`: "class" = the highest score taken, "t:<tenant>"
 * = score of the tenant's newest turn, "w:<tenant>" = its weight.  The hash
 * `parked` maps "<queue>:<turn>" to the scope that the turn waits for, each
 * scope has clocks for its parked turns, as a queue has for those that stand; a
 * member of `later` is "<queue>:<tenant>/<job>".  Kinds and classes hold no
 * colon and a job id no slash, so that any tenant's name can be taken apart.
 * Scores are written with 17 digits: a clock must not lose its fractions when
 * it has grown large.
 */

#include "igj_scripts.h"


/* number kept in a field of the clocks, 0 where it is missing */
#define LUA_CLOCK                                                            \
    "local function clock(key, field)\n"                                     \
    "  return tonumber(redis.call('HGET', key, field) or '0') or 0\n"        \
    "end\n"

/* A tenant's weight from now on; 1 is not kept. */
#define LUA_WEIGH                                                            \
    "local function weigh(key, tenant, weight)\n"                            \
    "  if not weight or weight <= 0 then return end\n"                       \
    "  if weight == 1 then\n"                                                \
    "    redis.call('HDEL', key, 'w:' .. tenant)\n"                          \
    "  else\n"                                                               \
    "    redis.call('HSET', key, 'w:' .. tenant, weight)\n"                  \
    "  end\n"                                                                \
    "end\n"

/* The next score of a tenant, and the tenant's clock moved to it. */
#define LUA_CHARGE                                                           \
    "local function charge(key, tenant)\n"                                   \
    "  local held = redis.call('HMGET', key, 'class', 't:' .. tenant,\n"     \
    "                          'w:' .. tenant)\n"                            \
    "  local weight = tonumber(held[3] or '1') or 1\n"                       \
    "  local score = math.max(tonumber(held[1] or '0') or 0,\n"              \
    "                         tonumber(held[2] or '0') or 0) + 1 / weight\n" \
    "  score = string.format('%.17g', score)\n"                              \
    "  redis.call('HSET', key, 't:' .. tenant, score)\n"                     \
    "  return score\n"                                                       \
    "end\n"

#define LUA_NOW                                                              \
    "local function now()\n"                                                 \
    "  local t = redis.call('TIME')\n"                                       \
    "  return t[1] * 1000 + math.floor(t[2] / 1000)\n"                       \
    "end\n"


static const char  igj_script_issue[] =
    LUA_WEIGH LUA_CHARGE
    "local queue, tenant, job = ARGV[1], ARGV[2], ARGV[3]\n"
    "weigh(KEYS[2], tenant, tonumber(ARGV[6]))\n"
    "local wanted, slots = tonumber(ARGV[4]), tonumber(ARGV[5])\n"
    "local free, added = {}, 0\n"
    "for slot = 0, slots - 1 do\n"
    "  local turn = tenant .. '/' .. job .. '/' .. slot\n"
    "  if redis.call('ZSCORE', KEYS[1], turn)\n"
    "     or redis.call('HEXISTS', KEYS[4], queue .. ':' .. turn) == 1 then\n"
    "    wanted = wanted - 1\n"
    "  else\n"
    "    free[#free + 1] = turn\n"
    "  end\n"
    "end\n"
    "wanted = math.min(wanted, #free)\n"
    "if wanted <= 0 then return 0 end\n"
    "for i = 1, wanted do\n"
    "  redis.call('ZADD', KEYS[1], charge(KEYS[2], tenant), free[i])\n"
    "  added = added + 1\n"
    "end\n"
    "redis.call('ZREM', KEYS[3], queue .. ':' .. tenant .. '/' .. job)\n"
    "return added\n";


static const char  igj_script_status[] =
    "local held = redis.call('GET', KEYS[1])\n"
    "if held then\n"
    "  local version = tonumber(string.match(held, '^{\"version\":(%d+)'))\n"
    "  if version and version >= tonumber(ARGV[1]) then return 0 end\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])\n"
    "if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], ARGV[2]) end\n"
    "return 1\n";


static const char  igj_script_return[] =
    LUA_CLOCK LUA_CHARGE
    "local queue, turn, tenant = ARGV[1], ARGV[2], ARGV[3]\n"
    "if redis.call('ZSCORE', KEYS[1], turn)\n"
    "   or redis.call('HEXISTS', KEYS[4], queue .. ':' .. turn) == 1 then\n"
    "  return 0\n"
    "end\n"
    "local score\n"
    "if ARGV[4] == '1' then\n"
    "  score = charge(KEYS[2], tenant)\n"
    "else\n"
    "  score = string.format('%.17g', clock(KEYS[2], 'class'))\n"
    "end\n"
    "redis.call('ZADD', KEYS[1], score, turn)\n"
    "local job = string.match(turn, '^(.*)/%d+$')\n"
    "redis.call('ZREM', KEYS[3], queue .. ':' .. job)\n"
    "return 1\n";


static const char  igj_script_taken[] =
    LUA_CLOCK
    "local score = tonumber(ARGV[1])\n"
    "if score > clock(KEYS[1], 'class') then\n"
    "  redis.call('HSET', KEYS[1], 'class', string.format('%.17g', score))\n"
    "end\n"
    "return 1\n";


static const char  igj_script_later[] =
    LUA_NOW
    "local entry = ARGV[1] .. ':' .. ARGV[2] .. '/' .. ARGV[3]\n"
    "local due = now() + tonumber(ARGV[4])\n"
    "local held = tonumber(redis.call('ZSCORE', KEYS[1], entry) or '')\n"
    "if not held or due < held then\n"
    "  redis.call('ZADD', KEYS[1], string.format('%.17g', due), entry)\n"
    "end\n"
    "return 1\n";


/*
 * One turn wakes the job; a batch that it finds lets the sweeper's round issue
 * the others.
 */
static const char  igj_script_due[] =
    LUA_CHARGE LUA_NOW
    "local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf',\n"
    "                       string.format('%.17g', now()),\n"
    "                       'LIMIT', 0, ARGV[1])\n"
    "for _, entry in ipairs(due) do\n"
    "  redis.call('ZREM', KEYS[1], entry)\n"
    "  local queue, tenant, job =\n"
    "      string.match(entry, '^([^:]*:[^:]*):(.*)/([^/]*)$')\n"
    "  if queue then\n"
    "    local turn = tenant .. '/' .. job .. '/0'\n"
    "    local turns = ARGV[2] .. queue\n"
    "    if not redis.call('ZSCORE', turns, turn)\n"
    "       and redis.call('HEXISTS', KEYS[2], queue .. ':' .. turn) == 0\n"
    "    then\n"
    "      local score = charge(ARGV[3] .. queue, tenant)\n"
    "      redis.call('ZADD', turns, score, turn)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return #due\n";


/*
 * Parked turns stand in virtual time of their own, so that whoever has many of
 * them does not keep the others from what becomes free.
 */
static const char  igj_script_park[] =
    LUA_WEIGH LUA_CHARGE
    "local entry, tenant = ARGV[1] .. ':' .. ARGV[2], ARGV[3]\n"
    "redis.call('HSET', KEYS[2], entry, ARGV[4])\n"
    "if redis.call('ZSCORE', KEYS[1], entry) then return 0 end\n"
    "weigh(KEYS[3], tenant,\n"
    "      tonumber(redis.call('HGET', KEYS[4], 'w:' .. tenant) or '1'))\n"
    "redis.call('ZADD', KEYS[1], charge(KEYS[3], tenant), entry)\n"
    "return 1\n";


static const char  igj_script_unpark[] =
    LUA_CLOCK
    "local freed = redis.call('ZPOPMIN', KEYS[1], ARGV[1])\n"
    "for i = 1, #freed, 2 do\n"
    "  redis.call('HDEL', KEYS[2], freed[i])\n"
    "  redis.call('HSET', KEYS[3], 'class', freed[i + 1])\n"
    "  local queue, turn = string.match(freed[i], '^([^:]*:[^:]*):(.*)$')\n"
    "  if queue then\n"
    "    local score = clock(ARGV[3] .. queue, 'class')\n"
    "    redis.call('ZADD', ARGV[2] .. queue, 'NX',\n"
    "               string.format('%.17g', score), turn)\n"
    "  end\n"
    "end\n"
    "if redis.call('EXISTS', KEYS[1]) == 0 then\n"
    "  redis.call('DEL', KEYS[3])\n"
    "end\n"
    "return #freed / 2\n";


static const char  igj_script_scopes[] =
    "local seen, scopes = {}, {}\n"
    "for _, scope in ipairs(redis.call('HVALS', KEYS[1])) do\n"
    "  if not seen[scope] then\n"
    "    seen[scope] = true\n"
    "    scopes[#scopes + 1] = scope\n"
    "  end\n"
    "end\n"
    "return scopes\n";


#define igj_script_entry(name, keys, args)                                   \
    { #name, igj_script_ ## name, sizeof(igj_script_ ## name) - 1, keys, args }


const igj_script_t *
igj_script(igj_script_id_t id)
{
    static const igj_script_t  scripts[IGJ_SCRIPT_COUNT] = {
        [IGJ_SCRIPT_ISSUE] = igj_script_entry(issue, 4, 6),
        [IGJ_SCRIPT_STATUS] = igj_script_entry(status, 1, 4),
        [IGJ_SCRIPT_RETURN] = igj_script_entry(return, 4, 4),
        [IGJ_SCRIPT_TAKEN] = igj_script_entry(taken, 1, 1),
        [IGJ_SCRIPT_LATER] = igj_script_entry(later, 1, 4),
        [IGJ_SCRIPT_DUE] = igj_script_entry(due, 2, 3),
        [IGJ_SCRIPT_PARK] = igj_script_entry(park, 4, 4),
        [IGJ_SCRIPT_UNPARK] = igj_script_entry(unpark, 3, 3),
        [IGJ_SCRIPT_SCOPES] = igj_script_entry(scopes, 1, 0),
    };

    return &scripts[id];
}
