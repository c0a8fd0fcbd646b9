/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Run, dataset and user objects of the Apify API. */

#include <string.h>

#include "sim_apify_json.h"
#include "sim_conf.h"

#define SIM_BUILD_NUMBER  "1.0.1"


static void
sim_json_id(struct sim_text *out, const char *name, enum sim_id_kind kind,
    uint64_t number)
{
    char  id[SIM_ID_LENGTH + 1];

    sim_id_write(id, kind, number);
    sim_text_key(out, name);
    sim_text_json(out, id);
}


static void
sim_json_date(struct sim_text *out, const char *name, int64_t unix_ms)
{
    char  date[SIM_DATE_LENGTH];

    sim_text_key(out, name);

    if (unix_ms == 0) {
        sim_text_puts(out, "null");
        return;
    }

    sim_clock_date(unix_ms, date);
    sim_text_json(out, date);
}


static void
sim_json_integer(struct sim_text *out, const char *name, int64_t n)
{
    sim_text_key(out, name);
    sim_text_printf(out, "%lld", (long long) n);
}


static void
sim_json_status(struct sim_text *out, const struct sim_view *view)
{
    const char  *word;

    word = view->status == SIM_RUNNING && view->stay_status[0] != '\0'
           ? view->stay_status : view->word;

    sim_text_key(out, "status");
    sim_text_json(out, word);
}


static void
sim_json_storages(struct sim_text *out, const struct sim_run *run)
{
    sim_json_id(out, "buildId", SIM_ID_BUILD, run->actor->dialect);
    sim_text_puts(out, ",\"buildNumber\":\"" SIM_BUILD_NUMBER "\"");
    sim_text_key(out, "defaultKeyValueStoreId");
    sim_text_json(out, run->store);
    sim_text_key(out, "defaultDatasetId");
    sim_text_json(out, run->dataset);
    sim_json_id(out, "defaultRequestQueueId", SIM_ID_QUEUE, run->number);
}


static void
sim_json_total(struct sim_text *out, const struct sim_view *view, int costs)
{
    if (!costs) {
        return;
    }

    sim_text_key(out, "usageTotalUsd");

    if (sim_status_terminal(view->status)) {
        sim_text_printf(out, "%.6f", view->usd);

    } else {
        sim_text_puts(out, "null");
    }
}


static void
sim_json_stats(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view)
{
    double  seconds;

    seconds = (double) view->worked_ms / 1000;

    sim_text_key(out, "stats");
    sim_text_puts(out, "{");
    sim_json_integer(out, "inputBodyLen", (int64_t) run->input_n);
    sim_json_integer(out, "migrationCount", 0);
    sim_json_integer(out, "rebootCount", 0);
    sim_json_integer(out, "restartCount", 0);
    sim_json_integer(out, "resurrectCount", run->legs);
    sim_json_integer(out, "memAvgBytes", run->memory * 400000);
    sim_json_integer(out, "memMaxBytes", run->memory * 600000);
    sim_json_integer(out, "memCurrentBytes", 0);
    sim_json_integer(out, "netRxBytes", (int64_t) view->items * 900);
    sim_json_integer(out, "netTxBytes", (int64_t) view->items * 90);
    sim_json_integer(out, "durationMillis", view->worked_ms);
    sim_text_printf(out, ",\"runTimeSecs\":%.3f,\"metamorph\":0,"
                    "\"computeUnits\":%.6f}", seconds,
                    seconds / 3600 * (double) run->memory / 1024);
}


static void
sim_json_options(struct sim_text *out, const struct sim_run *run)
{
    sim_text_key(out, "options");
    sim_text_puts(out, "{\"build\":\"latest\"");
    sim_json_integer(out, "timeoutSecs", run->timeout);
    sim_json_integer(out, "memoryMbytes", run->memory);
    sim_json_integer(out, "diskMbytes", run->memory * 2);

    if (run->max_items > 0) {
        sim_json_integer(out, "maxItems", run->max_items);
    }

    if (run->max_charge > 0) {
        sim_text_printf(out, ",\"maxTotalChargeUsd\":%.6f", run->max_charge);
    }

    sim_text_puts(out, "}");
}


static void
sim_json_pricing(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view)
{
    uint64_t  items;

    items = sim_status_terminal(view->status) ? view->usage_items
                                              : view->items * 9 / 10;

    sim_text_key(out, "pricingInfo");
    sim_text_printf(out, "{\"pricingModel\":\"PAY_PER_EVENT\","
                    "\"pricingPerEvent\":{\"actorChargeEvents\":{"
                    "\"actor-start\":{\"eventTitle\":\"Actor start\","
                    "\"eventPriceUsd\":%.6f,\"isOneTimeEvent\":true},"
                    "\"result\":{\"eventTitle\":\"Result\","
                    "\"eventPriceUsd\":%.6f,\"isPrimaryEvent\":true}}}}",
                    sim_conf.price_start, sim_conf.price_item);

    sim_text_printf(out, ",\"chargedEventCounts\":{\"actor-start\":%u,"
                    "\"result\":%llu}", (unsigned) run->legs + 1,
                    (unsigned long long) items);
}


static void
sim_json_usage(struct sim_text *out, const struct sim_view *view, int costs)
{
    if (!sim_status_terminal(view->status)) {
        sim_text_puts(out, ",\"usage\":null");
        sim_text_puts(out, costs ? ",\"usageUsd\":null" : "");

    } else {
        sim_text_printf(out, ",\"usage\":{\"DATASET_WRITES\":%llu}",
                        (unsigned long long) view->usage_items);
        sim_text_puts(out, costs ? ",\"usageUsd\":{\"DATASET_WRITES\":0}" : "");
    }

    sim_json_total(out, view, costs);
}


static const char *
sim_json_message(const struct sim_view *view)
{
    static const char *const  messages[] = {
        NULL, "Starting the crawler", "Timing out", "Aborting",
        "Finished", "The Actor process failed", "The Actor timed out",
        "The Actor was aborted"
    };

    if (sim_status_terminal(view->status) && view->message[0] != '\0') {
        return view->message;
    }

    return messages[view->status];
}


static void
sim_json_status_message(struct sim_text *out, const struct sim_view *view)
{
    sim_text_key(out, "statusMessage");
    sim_text_json(out, sim_json_message(view));
    sim_text_key(out, "isStatusMessageTerminal");
    sim_text_puts(out, !sim_status_terminal(view->status) ? "null" : "true");
    sim_text_key(out, "exitCode");

    if (!sim_status_terminal(view->status)) {
        sim_text_puts(out, "null");

    } else {
        sim_text_puts(out, view->status == SIM_SUCCEEDED ? "0" : "1");
    }
}


static void
sim_json_head(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view)
{
    sim_text_puts(out, "{");
    sim_text_key(out, "id");
    sim_text_json(out, run->id);
    sim_text_key(out, "actId");
    sim_text_json(out, run->actor->id);
    sim_text_puts(out, ",\"actorTaskId\":null");
    sim_json_date(out, "startedAt", run->started_unix);
    sim_json_date(out, "finishedAt", view->ended_unix);
    sim_json_status(out, view);
}


void
sim_apify_run_json(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view, int costs)
{
    sim_json_head(out, run, view);
    sim_json_id(out, "userId", SIM_ID_USER, 1);
    sim_json_status_message(out, view);
    sim_json_storages(out, run);

    sim_text_printf(out, ",\"storageIds\":{\"datasets\":{\"default\":\"%s\"},"
                    "\"keyValueStores\":{\"default\":\"%s\"}}",
                    run->dataset, run->store);
    sim_text_puts(out, ",\"generalAccess\":\"FOLLOW_USER_SETTING\","
                  "\"meta\":{\"origin\":\"API\"}");

    sim_json_options(out, run);
    sim_json_stats(out, run, view);
    sim_json_pricing(out, run, view);
    sim_json_usage(out, view, costs);
    sim_text_puts(out, "}");
}


void
sim_apify_run_short_json(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view, int costs)
{
    sim_json_head(out, run, view);
    sim_json_storages(out, run);
    sim_text_puts(out, ",\"meta\":{\"origin\":\"API\"}");
    sim_json_total(out, view, costs);
    sim_text_puts(out, "}");
}


void
sim_apify_dataset_json(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view)
{
    sim_text_puts(out, "{");
    sim_text_key(out, "id");
    sim_text_json(out, run->dataset);
    sim_text_puts(out, ",\"name\":null");
    sim_json_id(out, "userId", SIM_ID_USER, 1);
    sim_json_date(out, "createdAt", run->started_unix);
    sim_json_date(out, "modifiedAt", view->ended_unix != 0
                                     ? view->ended_unix : sim_clock_unix());
    sim_json_date(out, "accessedAt", sim_clock_unix());
    sim_json_integer(out, "itemCount", (int64_t) view->items);
    sim_json_integer(out, "cleanItemCount", (int64_t) view->items);
    sim_text_key(out, "actId");
    sim_text_json(out, run->actor->id);
    sim_text_key(out, "actRunId");
    sim_text_json(out, run->id);
    sim_text_puts(out, ",\"stats\":{\"readCount\":0");
    sim_json_integer(out, "writeCount", (int64_t) view->items);
    sim_text_puts(out, "}}");
}


void
sim_apify_actor_json(struct sim_text *out, const struct sim_actor *actor)
{
    const char        *name;
    struct sim_text    owner = { 0 };

    name = strchr(actor->name, '~');
    name = name != NULL ? name + 1 : actor->name;
    sim_text_add(&owner, actor->name, strcspn(actor->name, "~"));

    sim_text_puts(out, "{");
    sim_text_key(out, "id");
    sim_text_json(out, actor->id);
    sim_json_id(out, "userId", SIM_ID_USER, 1);
    sim_text_key(out, "name");
    sim_text_json(out, name);
    sim_text_key(out, "username");
    sim_text_json(out, owner.data);
    sim_text_key(out, "title");
    sim_text_json(out, name);
    sim_text_puts(out, ",\"isPublic\":true,\"isDeprecated\":false}");

    sim_text_free(&owner);
}


void
sim_apify_user_json(struct sim_text *out)
{
    sim_text_puts(out, "{");
    sim_json_id(out, "id", SIM_ID_USER, 1);
    sim_text_puts(out, ",\"username\":\"igjobs-sim\","
                  "\"email\":\"sim@igjobs.invalid\","
                  "\"profile\":{\"name\":\"igjobs simulator\"},"
                  "\"plan\":{\"id\":\"SIMULATED\"");
    sim_json_integer(out, "maxConcurrentActorRuns",
                     sim_conf.max_concurrent_runs);
    sim_json_integer(out, "maxActorMemoryGbytes", sim_conf.max_memory / 1024);
    sim_text_puts(out, "}}");
}


static void
sim_log_line(struct sim_text *out, int64_t unix_ms, const char *text)
{
    char  date[SIM_DATE_LENGTH];

    sim_clock_date(unix_ms, date);
    sim_text_printf(out, "%s %s\n", date, text);
}


void
sim_apify_log(struct sim_text *out, const struct sim_run *run,
    const struct sim_view *view)
{
    sim_log_line(out, run->started_unix, "ACTOR: Pulling Docker image.");
    sim_log_line(out, run->started_unix, "ACTOR: Starting Docker container.");
    sim_log_line(out, run->started_unix, "INFO  System info");

    sim_text_printf(out, "INFO  Accounts: %u. Items so far: %llu.\n",
                    (unsigned) run->accounts,
                    (unsigned long long) view->items);

    if (sim_status_terminal(view->status)) {
        sim_log_line(out, view->ended_unix, sim_json_message(view));
    }
}
