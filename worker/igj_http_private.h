/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The insides of igj_http_t, for igj_http.c and igj_http_retry.c alone.
 */

#ifndef IGJ_HTTP_PRIVATE_H
#define IGJ_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "igj_http.h"


struct igj_http_s {
    igj_http_sys_t              sys;
    CURL                       *easy;
    CURLM                      *multi;         /* drives easy, keeps the
                                                  connections */
    bool                        tls_worked;
    bool                        identity;      /* this try asks for no
                                                  encoding */

    /* of the present call */
    const igj_http_request_t   *req;
    igj_http_result_t           refused;       /* why we broke it off */
    uint64_t                    max_bytes;
    uint64_t                    received;      /* decoded bytes */
    size_t                      header_bytes;
    char                       *body;
    size_t                      body_len;
    size_t                      body_size;
    char                        error[CURL_ERROR_SIZE];
};


void igj_http_response_init(igj_http_response_t *resp);

#endif /* IGJ_HTTP_PRIVATE_H */
