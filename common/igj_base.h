/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The few types that every file of common/ shares.  Nothing in common/ keeps
 * global state, takes locks or waits; each function may be called from any
 * thread as long as its arguments are not shared.
 */

#ifndef IGJ_BASE_H
#define IGJ_BASE_H

#include <stddef.h>
#include <stdint.h>


#define IGJ_OK     0
#define IGJ_ERROR  (-1)

#define IGJ_MUST_CHECK  __attribute__((warn_unused_result))


/* A view of bytes owned by somebody else; not NUL-terminated. */
typedef struct {
    const char  *data;
    size_t       len;
} igj_str_t;


/* igj_str("text") is the view of a string literal. */
#define igj_str(literal)  ((igj_str_t) { (literal), sizeof(literal) - 1 })


#endif /* IGJ_BASE_H */
