/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The table of settings, shared by its reader and its printers. */

#ifndef IGJ_SETTINGS_PRIVATE_H
#define IGJ_SETTINGS_PRIVATE_H

#include "igj_settings.h"


typedef enum {
    IGJ_SETTING_TEXT,
    IGJ_SETTING_SECRET,       /* text, never from a flag */
    IGJ_SETTING_NUMBER,
    IGJ_SETTING_TIME,         /* number with ms, s, m or h */
    IGJ_SETTING_USD,
    IGJ_SETTING_SWITCH,       /* on or off; the bare flag is on */
    IGJ_SETTING_WORD          /* one of the words, stored as its index */
} igj_setting_type_t;


typedef struct {
    const char          *name;       /* the flag without its dashes */
    const char          *env[2];     /* the first that is set counts */
    igj_setting_type_t   type;
    size_t               offset;     /* in igj_settings_t */
    const char          *value;      /* default as text, NULL: none */
    int64_t              min;        /* in the stored unit */
    int64_t              max;        /* 0: no bounds */
    const char          *words;      /* of IGJ_SETTING_WORD, blanks between */
    bool                 required;
    const char          *help;
} igj_setting_t;


extern const igj_setting_t  igj_settings_table[];
extern const size_t         igj_settings_count;


#endif /* IGJ_SETTINGS_PRIVATE_H */
