/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Server-sent events as they come in, in slices of any size.
 */

#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "cli.h"


#define CLI_EVENT_ID_MAX  64


/* The data of one event; IGJ_ERROR: no more of them. */
typedef int (*cli_event_pt)(void *data, const char *text, size_t len);


typedef struct {
    cli_event_pt   event;
    void          *data;
    int64_t        retry;                      /* ms, as advised; -1: not */
    char           id[CLI_EVENT_ID_MAX];       /* of the last event, or "" */

    /* Private. */
    char          *buf;                        /* data, then a line */
    size_t         size;
    size_t         data_len;
    size_t         len;                        /* of both */
    bool           after_cr;
} cli_events_t;


void cli_events_init(cli_events_t *events, cli_event_pt event, void *data);
void cli_events_free(cli_events_t *events);

/* A new connection begins. */
void cli_events_again(cli_events_t *events);

/* A cli_sink_pt for a cli_events_t. */
int cli_events_take(void *data, const char *bytes, size_t len);


#endif /* CLI_EVENTS_H */
