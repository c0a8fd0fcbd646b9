/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

#include <stdlib.h>
#include <string.h>

#include "cli_events.h"
#include "cli_term.h"


#define CLI_EVENTS_FIRST  4096


static int cli_events_byte(cli_events_t *events, char c);
static int cli_events_line(cli_events_t *events);
static int cli_events_dispatch(cli_events_t *events);
static bool cli_events_field(const char *line, size_t len, const char *name,
    const char **value, size_t *value_len);


void
cli_events_init(cli_events_t *events, cli_event_pt event, void *data)
{
    memset(events, 0, sizeof(cli_events_t));
    events->event = event;
    events->data = data;
    events->retry = -1;
}


void
cli_events_free(cli_events_t *events)
{
    free(events->buf);
    events->buf = NULL;
}


void
cli_events_again(cli_events_t *events)
{
    events->data_len = 0;
    events->len = 0;
    events->after_cr = false;
}


int
cli_events_take(void *data, const char *bytes, size_t len)
{
    cli_events_t  *events = data;

    size_t  i;

    for (i = 0; i < len; i++) {
        if (cli_events_byte(events, bytes[i]) != IGJ_OK) {
            return IGJ_ERROR;
        }
    }

    return IGJ_OK;
}


/* Lines end with LF, CR LF or CR. */

static int
cli_events_byte(cli_events_t *events, char c)
{
    char    *buf;
    bool     after_cr;
    size_t   room;

    after_cr = events->after_cr;
    events->after_cr = c == '\r';

    if (c == '\n' && after_cr) {
        return IGJ_OK;
    }

    if (c == '\n' || c == '\r') {
        return cli_events_line(events);
    }

    /* one byte is left: for a NUL, or the line feed between lines of data */
    if (events->len + 2 > events->size) {
        room = 2 * events->size + CLI_EVENTS_FIRST;
        buf = room > CLI_ANSWER_MAX ? NULL : realloc(events->buf, room);

        if (buf == NULL) {
            cli_say("an event is too long");
            return IGJ_ERROR;
        }

        events->buf = buf;
        events->size = room;
    }

    events->buf[events->len++] = c;

    return IGJ_OK;
}


/* A whole line stands behind the data; "data:" joins it. */

static int
cli_events_line(cli_events_t *events)
{
    size_t       len, value_len;
    const char  *line, *value;

    len = events->len - events->data_len;
    events->len = events->data_len;

    if (len == 0) {
        return cli_events_dispatch(events);
    }

    line = events->buf + events->data_len;
    events->buf[events->data_len + len] = '\0';

    if (cli_events_field(line, len, "data", &value, &value_len)) {
        memmove(events->buf + events->data_len, value, value_len);
        events->data_len += value_len;
        events->buf[events->data_len++] = '\n';
        events->len = events->data_len;

    } else if (cli_events_field(line, len, "id", &value, &value_len)) {
        if (value_len < CLI_EVENT_ID_MAX) {
            memcpy(events->id, value, value_len);
            events->id[value_len] = '\0';
        }

    } else if (cli_events_field(line, len, "retry", &value, &value_len)) {
        if (value_len > 0 && value_len < 10
            && strspn(value, "0123456789") == value_len)
        {
            events->retry = strtol(value, NULL, 10);
        }
    }

    return IGJ_OK;
}


static int
cli_events_dispatch(cli_events_t *events)
{
    size_t  len;

    len = events->data_len;
    events->data_len = 0;
    events->len = 0;

    return len == 0 ? IGJ_OK : events->event(events->data, events->buf,
                                             len - 1);
}


static bool
cli_events_field(const char *line, size_t len, const char *name,
    const char **value, size_t *value_len)
{
    size_t  n;

    n = strlen(name);

    if (len < n || memcmp(line, name, n) != 0 || (len > n && line[n] != ':')) {
        return false;
    }

    n += len > n;
    n += len > n && line[n] == ' ';
    *value = line + n;
    *value_len = len - n;

    return true;
}
